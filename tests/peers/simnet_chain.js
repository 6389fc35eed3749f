// Mines a simnet chain with bcoin, whose own rules check every header, and writes the raw headers.
// node simnet_chain.js FILE SEED MEAN_SECONDS...   (one mean block interval for each epoch)
// With P2P_PORT in the environment it then serves the chain to peers until its stdin is closed.
'use strict';

const fs = require('fs');
const {FullNode} = require('bcoin');
const {rcmp} = require('bcoin/lib/mining/common');
const hash256 = require('bcrypto/lib/hash256');

const EPOCH = 2016;

function uniform(seed) {
  let state = seed;
  return () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return (state + 1) / 2147483649;
  };
}

async function mine(chain, miner, time) {
  const attempt = await miner.createBlock(chain.tip);
  attempt.time = time;
  attempt.setBits(await chain.getTarget(time, chain.tip));
  attempt.refresh();
  const root = attempt.getRoot(0, 0);
  let nonce = 0;
  while (rcmp(hash256.digest(attempt.getHeader(root, time, nonce)), attempt.target) > 0)
    nonce += 1;
  return attempt.commit(attempt.getProof(0, 0, time, nonce));
}

async function main(file, seed, means) {
  const port = Number(process.env.P2P_PORT || 0);
  const node = new FullNode({
    network: 'simnet', memory: true, workers: false,
    ...port > 0 ? {listen: true, host: '127.0.0.1', port, discover: false, maxOutbound: 1}
      : {listen: false}
  });
  await node.open();
  const {chain, miner} = node;
  const random = uniform(seed);
  const genesis = await chain.getBlock(chain.tip.hash);
  const headers = [genesis.toRaw().slice(0, 80)];
  let time = chain.tip.time;
  for (let height = 1; height < means.length * EPOCH; height++) {
    time += Math.floor(-Math.log(random()) * means[Math.floor(height / EPOCH)]);
    if (random() < 0.1)
      time -= 300;
    time = Math.max(time, await chain.getMedianTime(chain.tip) + 1);
    const block = await mine(chain, miner, time);
    if (!await chain.add(block) || chain.height !== height)
      throw new Error(`bcoin refused the block at height ${height}`);
    headers.push(block.toRaw().slice(0, 80));
  }
  fs.writeFileSync(file, Buffer.concat(headers));
  if (port > 0) {
    await node.connect();
    console.log('serving');
    await new Promise(resolve => process.stdin.on('end', resolve).resume());
    await node.disconnect();
  }
  await node.close();
}

const [file, seed, ...means] = process.argv.slice(2);

main(file, Number(seed), means.map(Number)).catch((error) => {
  console.error(error);
  process.exit(1);
});
