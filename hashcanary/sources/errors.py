"""Errors of sources: each names the file, the place, what was expected, what was found."""

from __future__ import annotations

from enum import StrEnum

from hashcanary.errors import Exit, HashcanaryError, UnknownName


class SourceError(HashcanaryError):
    """Something a source gave that cannot be used; the lake stays as it was."""

    exit_code = Exit.SOURCE
    http_status = 422


class SourceMisused(SourceError):
    """Something that the user says of a source and that cannot be used."""

    exit_code = Exit.USAGE


class UnknownKind(UnknownName, SourceError):
    """A kind of source that is not registered."""

    template = "expected a kind of file, one of {known}; found {kind!r}. Correct the name."


class MissingOption(SourceMisused):
    """A source that needs an option which was not given."""

    template = "{file}: a file of kind {kind} needs {option}; found none. {remedy}"


class UnreadableFile(SourceError):
    """A path that cannot be opened or read."""

    template = "{file}: expected a file or folder that can be read, found: {reason}. {remedy}"


class NothingToRead(SourceError):
    """A folder without one file, or with none that any source reads."""

    template = "{file}: expected at least one file to read, found {found}. {remedy}"


class EmptyFile(SourceError):
    """A file of no bytes, or a table of no rows."""

    template = (
        "{file}: expected {expected}, found {found}. "
        "Was it cut short while it was written? Fetch it again, or omit it."
    )


class LinkLoop(SourceError):
    """A folder that contains itself through a link."""

    template = (
        "{file}: expected folders without a loop, found a link back to {target}. "
        "Remove the link, or load the folders below it one by one."
    )


class TooLarge(SourceError):
    """A file, what a compressed file unfolds to, or a table, beyond the limit."""

    template = (
        "{file}: expected at most {limit:,} {what}, found {found}. "
        "Split it into parts and load them one by one; overlaps are harmless."
    )


class DamagedCompression(SourceError):
    """A zstd file that cannot be unfolded."""

    template = (
        "{file}: expected a whole zstd file, found damage after {unfolded:,} decompressed bytes: "
        "{reason}. Fetch it again."
    )


class UnrecognisedFile(SourceError):
    """A file whose content fits no kind."""

    template = (
        "{file}: expected content of one of the kinds {known}; found {found}. "
        "Name the kind with --as KIND, or describe a table with --mapping FILE."
    )


class AmbiguousFile(SourceError):
    """A file whose content fits several kinds."""

    template = (
        "{file}: expected content of one kind, found that it fits {kinds}. "
        "Name the kind with --as KIND."
    )


class NotATable(SourceError):
    """Bytes that cannot be read as the table they should be."""

    template = "{file}, {place}: expected {expected}, found {found}. {remedy}"


class MissingColumns(SourceError):
    """A table without columns its kind needs."""

    template = (
        "{file}: a table of kind {kind} needs {expected}; found the columns {found}. "
        "Rename them in the file, or describe the table with --mapping FILE."
    )


class UnprovenRows(SourceError):
    """Rows about blocks that nothing ties to a block."""

    template = (
        "{file}: rows about blocks need the block's bits, which tell its work, or its hash in "
        "every row; found the columns {found}. A height alone does not say which block is meant: "
        "add bits or hash (`bitcoin-cli getblockheader` has both)."
    )


class BadValue(SourceError):
    """A value that cannot be: the first of its kind in the file."""

    template = "{file}, {place}: expected {expected}, found {found}{more}. {remedy}"


class BadReportColumns(SourceError):
    """Columns of a file of company reports that are none, or miss, or exclude each other."""

    template = (
        "{file}, {place}: expected {expected}, found {found}. {remedy} docs/companies.md and "
        "`hashcanary companies --example` show the columns."
    )


class ConflictingRows(SourceError):
    """Two rows of one file with different values of one fact."""

    template = (
        "{file}, {place}: expected one row for {key}, found another with different values"
        "{more}: {found}. Decide which is right and remove the other from the file."
    )


class BadHeaders(SourceError):
    """Block headers that break a rule of consensus."""

    template = "{file}: {problem}"


class BadMapping(SourceMisused):
    """A mapping file that cannot be used."""

    template = (
        "mapping {file}, {place}: expected {expected}, found {found}. Correct the mapping file; "
        "docs/mapping.md shows one."
    )


class ServiceError(SourceError):
    """Something about a server; nothing of the answer in question was kept."""

    http_status = 502


class Unreachable(ServiceError):
    """A server that gave no usable answer in any try."""

    template = (
        "{service}: expected an answer from {url}, found none in {tries} tries ({reasons}). "
        "Is it up, and is its URL right? Earlier data are kept: run the command again to resume."
    )


class RateLimited(ServiceError):
    """A server whose rate limit lasts longer than the client waits."""

    template = (
        "{service}: expected an answer from {url}, found a rate limit in {tries} tries "
        "({reasons}). Earlier data are kept: run the command again later."
    )


class CutBody(ServiceError):
    """Answers that broke off, each time."""

    template = (
        "{service}: expected a whole answer from {url}, found one cut off in {tries} tries "
        "({reasons}). Earlier data are kept: run the command again to resume."
    )


class Refused(ServiceError):
    """A request that a server understands and refuses."""

    template = (
        "{service}: expected an answer from {url}, found a refusal: status {status}, {found}. "
        "Check its URL, and the name and password if it needs them."
    )


class Redirected(ServiceError):
    """A server that redirects to another host."""

    template = (
        "{service}: expected {url} to answer, found a redirect to {found}. Redirects to other "
        "hosts are not followed: if that is the right host, set its URL."
    )


class AnswerTooLarge(ServiceError):
    """An answer beyond the bound; its rest was not read."""

    template = (
        "{service}: expected at most {limit:,} bytes from {url}, found {found}. "
        "Check that the URL is that of the service."
    )


class WrongSchema(ServiceError):
    """An answer of another form than published: schema drift, or another service altogether."""

    template = (
        "{url}, at {path}: expected {expected}, found {found}. Its format may have changed, or it "
        "is another service: check the URL, then look for a newer hashcanary."
    )


class StaleService(ServiceError):
    """A service that is behind the lake's tip."""

    template = (
        "{service}: expected the tip of the chain at height {ours:,} or above, found {theirs:,}. "
        "It has fallen behind: use another one, or wait until it has caught up."
    )


class OutOfOrder(ServiceError):
    """Rows of an answer in another order than published, or twice."""

    template = (
        "{url}, at {path}: expected {expected}, found {found}. "
        "Run the command again; if the error persists, the service is at fault."
    )


class NotArchived(ServiceError):
    """A request whose answer is not in the folder that is replayed."""

    template = (
        "{folder}: expected a saved answer to request no. {nth} of {asked}, found none. Replay "
        "with the settings of the recording, or fetch again."
    )


class DamagedArchive(ServiceError):
    """A saved answer that is not what was written."""

    template = "{file}: expected a saved answer as it was written, found {found}. Remove it."


class MissingExtra(SourceMisused):
    """A source that needs a package which is not installed."""

    template = (
        "{source}: expected the package {package} to be installed, found that it is not. "
        "Install it with: pip install 'hashcanary[{extra}]'"
    )


class NodeFault(ServiceError):
    """A call that a node refuses."""

    template = (
        "{node}: expected an answer to {method}, found error {code}: {message}. "
        "Check that the node's version has this call and that the user may make it."
    )


class NodeStarting(ServiceError):
    """A node that does not get ready."""

    template = (
        "{node}: expected a node that is ready within {seconds:,.0f} s, found it still starting: "
        "{message}. Run the command again when it is ready, or set warmup to wait longer."
    )


class NodeMoving(ServiceError):
    """A node whose chain changed under every attempt to read it."""

    template = (
        "{node}: expected the chain to stay the same while it is read, found a change in each of "
        "{tries} tries. Run the command again when the node has caught up."
    )


class OtherNetwork(ServiceError):
    """A node on another network than the lake."""

    template = (
        "{node}: expected a node on {expected}, found one on {found}. "
        "Set the url of another node, or sync into a lake of that network (another --home)."
    )


class BadCookie(SourceError):
    """A node's cookie file that cannot be used."""

    template = (
        "{file}: expected a node's cookie (name:password on one line), found {found}. "
        "Check that the node and its RPC server are running; set datadir or cookie, or user and "
        "password."
    )


class BadBlock(SourceError):
    """A block as a node sent it that cannot be what was asked for."""

    template = (
        "{node}, block {block}: expected {expected}, found {found}. "
        "Run the command again; if the error persists, the node's storage may be damaged."
    )


class BadPoolList(SourceError):
    """A list of pools that cannot be used."""

    template = (
        "list of pools {file}, {place}: expected {expected}, found {found}. Correct the list; "
        "no block was labelled by it."
    )


class UnknownFeed(UnknownName, SourceError):
    """A live source that is not registered."""

    template = (
        "{place}: expected a live source, one of {known}; found {name!r}. Correct the name; "
        "`hashcanary sync --list` describes each."
    )


class UnknownSetting(SourceMisused):
    """A setting that a live source does not have."""

    template = (
        "{place}: expected a setting of {feed}, one of {known}; found {name!r}. Correct the name."
    )


class BadSettings(SourceMisused):
    """Settings of live sources that cannot be read."""

    template = "{place}: expected {expected}, found {found}. {remedy}"


class SecretInTheOpen(SourceMisused):
    """A secret where others can read it."""

    template = (
        "{place}: expected {name}, a secret of {feed}, only in a file that nobody else can read; "
        "found it {found}. {remedy}"
    )


class NoBlockFiles(SourceError):
    """A folder that is no data directory of Bitcoin Core for this network."""

    template = (
        "{folder}: expected a Bitcoin Core data directory with block files of {network} "
        "(blk00000.dat and following), found {found}. Set datadir to the folder of bitcoin.conf, "
        "or to the blocks folder itself."
    )


class BadKey(SourceError):
    """A key file that cannot unlock block files."""

    template = (
        "{file}: expected 8 bytes, the key that block files are XORed with, found {found}. "
        "Copy xor.dat from the node together with its block files."
    )


class DamagedBlockFile(SourceError):
    """Bytes of a block file that cannot be what a node wrote."""

    template = (
        "{file}, offset {offset}: expected {expected}, found {found}. Copy the file from the "
        "node again; where the node's own copy is damaged, bitcoind -reindex fetches it anew."
    )


class Reason(StrEnum):
    """Why a peer was dropped: the word that stands in events and notes."""

    UNREACHABLE = "unreachable"
    PROXY = "proxy"
    CLOSED = "closed"
    SILENT = "silent"
    SELF_CONNECTION = "self-connection"
    TOO_OLD = "too-old"
    SERVES_NO_HEADERS = "serves-no-headers"
    BAD_MAGIC = "bad-magic"
    BAD_CHECKSUM = "bad-checksum"
    OVERSIZED = "oversized"
    MALFORMED = "malformed"
    TOO_MANY_MESSAGES = "too-many-messages"
    BAD_WORK = "bad-work"
    BAD_BITS = "bad-bits"
    BAD_TIME = "bad-time"
    WRONG_CHAIN = "wrong-chain"
    UNCONNECTED = "unconnected"
    REPEATED = "repeated"
    LOW_WORK = "low-work"
    TOO_MANY_HEADERS = "too-many-headers"


class PeerDropped(SourceError):
    """One peer that cannot be used any longer; the others go on."""

    template = "peer dropped ({reason}): {detail}."

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(reason=reason, detail=detail)
        self.reason = reason
        self.detail = detail


class NoPeerLeft(SourceError):
    """Every peer failed, each for its reason; what was validated before is kept."""

    template = (
        "expected headers of {network} from at least one of {count} peers, found none valid: "
        "{reasons}. Name other peers (-o peers=HOST:PORT,...), or try again later."
    )
    http_status = 502
