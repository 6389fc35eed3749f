"""Networks as data: what differs between main, testnet4, signet, regtest and simnet.

Source: Bitcoin Core ``kernel/chainparams.cpp``; simnet: bcoin ``protocol/networks.js``. Hashes are
32 bytes in the printed (big-endian) order throughout.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

RETARGET_INTERVAL = 2016
TARGET_TIMESPAN = 14 * 86_400
TARGET_SPACING = 600


class Anchor(NamedTuple):
    """A block that everybody knows: it fixes the height of a run of headers that contains it.

    hash: 32 bytes, printed order; bits: its compact target.
    """

    height: int
    hash: bytes
    bits: int


@dataclass(frozen=True, slots=True)
class Genesis:
    """The fields of a network's first header; ``time`` in Unix seconds."""

    hash: bytes
    merkle_root: bytes
    time: int
    bits: int
    nonce: int
    version: int = 1


@dataclass(frozen=True, slots=True)
class Network:
    """The consensus constants of one network.

    magic: the four bytes that open its messages and block-file records, as stored.
    pow_limit: the easiest target allowed; pow_limit_bits: its compact form.
    retarget_interval: blocks; target_timespan, target_spacing: seconds.
    no_retargeting: the target never changes (regtest).
    min_difficulty_rule: a block more than twice ``target_spacing`` after its parent has the easiest
        target, and the next one returns to the last ordinary target of the epoch.
    bip94: the new target rests on the epoch's first block, and an epoch's first block may be at
        most 600 s earlier than its parent (testnet4).
    halving_interval: blocks. bip34_height: from here on every coinbase must state its height.
    anchors: known blocks, by height.
    """

    name: str
    magic: bytes
    pow_limit: int
    pow_limit_bits: int
    genesis: Genesis
    retarget_interval: int = RETARGET_INTERVAL
    target_timespan: int = TARGET_TIMESPAN
    target_spacing: int = TARGET_SPACING
    no_retargeting: bool = False
    min_difficulty_rule: bool = False
    bip94: bool = False
    halving_interval: int = 210_000
    bip34_height: int = 1
    anchors: tuple[Anchor, ...] = ()

    @property
    def anchors_by_hash(self) -> dict[bytes, Anchor]:
        """Genesis and every known block, by hash in printed order."""
        first = Anchor(0, self.genesis.hash, self.genesis.bits)
        return {anchor.hash: anchor for anchor in (first, *self.anchors)}


_SATOSHIS_MERKLE_ROOT = "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"


def _genesis(
    hash_hex: str, time: int, bits: int, nonce: int, merkle: str = _SATOSHIS_MERKLE_ROOT
) -> Genesis:
    return Genesis(bytes.fromhex(hash_hex), bytes.fromhex(merkle), time, bits, nonce)


# Bitcoin Core's checkpoints (to 295,000), its BIP30 blocks (917xx, 918xx), the activation blocks of
# BIP34, segwit and taproot, and its UTXO snapshots (840,000 and above); 525,000 is bcoin's.
_MAIN_ANCHORS = (
    (11_111, "0000000069e244f73d78e8fd29ba2fd2ed618bd6fa2ee92559f542fdb26e7c1d", 0x1D00FFFF),
    (33_333, "000000002dd5588a74784eaa7ab0507a18ad16a236e7b1ce69f00d7ddfb5d0a6", 0x1D00D86A),
    (74_000, "0000000000573993a3c9e41ce34471c079dcf5f52a0e824a81e7f953b8661a20", 0x1C00BA18),
    (91_722, "00000000000271a2dc26e7667f8419f2e15416dc6955e5a6c6cdf3f2574dd08e", 0x1B0E7256),
    (91_812, "00000000000af0aed4792b1acee3d966af36cf5def14935db8de83d6f9306f2f", 0x1B0E7256),
    (91_842, "00000000000a4d0a398161ffc163c503763b1f4360639393e0e4c8e300e0caec", 0x1B0E7256),
    (91_880, "00000000000743f190a18c5577a3c2d2a1f610ae9601ac046a38084ccb7cd721", 0x1B0E7256),
    (105_000, "00000000000291ce28027faea320c8d2b054b2e0fe44a773f3eefb151d6bdc97", 0x1B02FA29),
    (134_444, "00000000000005b12ffd4cd315cd34ffd4a594f430ac814c91184a0d42d2b0fe", 0x1A0C2A12),
    (168_000, "000000000000099e61ea72015e79632f216fe6cb33d7899acb35b75c8303b763", 0x1A0C309C),
    (193_000, "000000000000059f452a5f7340de6682a977387c17010ff6e6c3bd83ca8b1317", 0x1A083CC9),
    (210_000, "000000000000048b95347e83192f69cf0366076336c639f9b7228e9ba171342e", 0x1A04E0EA),
    (216_116, "00000000000001b4f4b433e81ee46494af945cf96014816a4e2370f11b23df4e", 0x1A0529B1),
    (225_430, "00000000000001c108384350f74090433e7fcf79a606b8e797f065b130575932", 0x1A03D74B),
    (227_931, "000000000000024b89b42a942fe0d9fea3bb44ab7bd1b19115dd6a759c0808b8", 0x1A02816E),
    (250_000, "000000000000003887df1f29024b06fc2200b55f8af8f35453d7be294df2d214", 0x1972DBF2),
    (279_000, "0000000000000001ae8c72a0b0c301f67e3afca10e819efa9041e458e9bd7e40", 0x1903071F),
    (295_000, "00000000000000004d9b4ef50f0f9d686fd69db2e03af35a100370c64632a983", 0x1900B3AA),
    (481_824, "0000000000000000001c8018d9cb3b742ef25114f27563e3fc4a1902167f9893", 0x18013CE9),
    (525_000, "0000000000000000002ffaa108b110ff7fd64475841b6ab65abd9bb43f8ede1d", 0x17415A49),
    (709_632, "0000000000000000000687bca986194dc2c1f949318629b44bb54ec0a94d8244", 0x170C69EA),
    (840_000, "0000000000000000000320283a032748cef8227873ff4872689bf23f1cda83a5", 0x17034219),
    (880_000, "000000000000000000010b17283c3c400507969a9c2afd1dcf2082ec5cca2880", 0x17028C61),
    (910_000, "0000000000000000000108970acb9522ffd516eae17acddcb1bd16469194a821", 0x17022CB3),
)

MAIN = Network(
    name="main",
    magic=bytes.fromhex("f9beb4d9"),
    pow_limit=(1 << 224) - 1,
    pow_limit_bits=0x1D00FFFF,
    genesis=_genesis(
        "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
        1231006505,
        0x1D00FFFF,
        2083236893,
    ),
    bip34_height=227_931,
    anchors=tuple(
        Anchor(height, bytes.fromhex(text), bits) for height, text, bits in _MAIN_ANCHORS
    ),
)

TESTNET4 = Network(
    name="testnet4",
    magic=bytes.fromhex("1c163f28"),
    pow_limit=(1 << 224) - 1,
    pow_limit_bits=0x1D00FFFF,
    genesis=_genesis(
        "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043",
        1714777860,
        0x1D00FFFF,
        393743547,
        "7aa0a7ae1e223414cb807e40cd57e667b718e42aaf9306db9102fe28912b7b4e",
    ),
    min_difficulty_rule=True,
    bip94=True,
)

SIGNET = Network(
    name="signet",
    magic=bytes.fromhex("0a03cf40"),
    pow_limit=0x377AE << 216,
    pow_limit_bits=0x1E0377AE,
    genesis=_genesis(
        "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6",
        1598918400,
        0x1E0377AE,
        52613770,
    ),
)

REGTEST = Network(
    name="regtest",
    magic=bytes.fromhex("fabfb5da"),
    pow_limit=(1 << 255) - 1,
    pow_limit_bits=0x207FFFFF,
    genesis=_genesis(
        "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
        1296688602,
        0x207FFFFF,
        2,
    ),
    no_retargeting=True,
    min_difficulty_rule=True,
    halving_interval=150,
)

SIMNET = Network(
    name="simnet",
    magic=bytes.fromhex("161c1412"),
    pow_limit=0x7FFFFF << 232,
    pow_limit_bits=0x207FFFFF,
    genesis=_genesis(
        "683e86bd5c6d110d91b94b97137ba6bfe02dbbdb8e3dff722a669b5d69d77af6",
        1401292357,
        0x207FFFFF,
        2,
    ),
    min_difficulty_rule=True,
)

NETWORKS: dict[str, Network] = {
    network.name: network for network in (MAIN, TESTNET4, SIGNET, REGTEST, SIMNET)
}
