package localnet

import (
	"crypto/ed25519"
	"maps"
	"slices"

	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/ton"
)

// Lie is one thing a liteserver says that is not so. Every answer it cannot be
// told in stays honest.
type Lie string

// Lies about the newest block.
const (
	LieHead      Lie = "head"      // getMasterchainInfo: a head with a root hash no block has
	LieSignature Lie = "signature" // getBlockProof: one bit of a signature is flipped
	LieSigner    Lie = "signer"    // getBlockProof: the block is signed by a key that is no validator's
)

// Lies about accounts.
const (
	LieState   Lie = "state"   // getAccountState, runSmcMethod: the account, and its proof, as of the block before
	LieBalance Lie = "balance" // getAccountState: the account holds one coin more
	LieAbsent  Lie = "absent"  // getAccountState: there is no such account; the proof is good, but of the absence of another
	LieResult  Lie = "result"  // runSmcMethod: the first number of the result is one more
)

// Lies about blocks.
const (
	LieProof  Lie = "proof"  // whatever is proven: one bit of a pruned branch in the proof is flipped
	LieBlock  Lie = "block"  // getBlock: the bytes of the block before
	LieHeader Lie = "header" // getBlockHeader: the header of the block before
	LieLookup Lie = "lookup" // lookupBlock: the block before, with its own header
	LieShards Lie = "shards" // getAllShardsInfo, getShardInfo: of the block before
	LieConfig Lie = "config" // getConfigAll, getConfigParams: one bit of a parameter is flipped
)

// Lies about transactions and messages.
const (
	LieTransaction Lie = "transaction" // lists of and single transactions: one bit of one is flipped
	LieGap         Lie = "gap"         // getTransactions: the second is left out
	LieOmit        Lie = "omit"        // lists: the last one is left out, as if there were no more; a single one is not there
	LieSent        Lie = "sent"        // sendMessage: confirmed and forgotten
)

// lies tell, of an honest answer, the lie; nil where there is nothing to lie about.
var lies = map[Lie]func(l liar, query, honest tl.Serializable) tl.Serializable{
	LieHead: liar.head, LieSignature: liar.signature, LieSigner: liar.signer,
	LieState: liar.state, LieBalance: liar.balance, LieAbsent: liar.absent, LieResult: liar.result,
	LieProof: liar.proof, LieBlock: liar.block, LieHeader: liar.header, LieLookup: liar.lookup, LieShards: liar.shards, LieConfig: liar.config,
	LieTransaction: liar.transaction, LieGap: liar.gap, LieOmit: liar.omit,
	LieSent: func(liar, tl.Serializable, tl.Serializable) tl.Serializable { return nil }, // told without asking
}

// Lies are all the lies there are, by name.
func Lies() []Lie { return slices.Sorted(maps.Keys(lies)) }

// liar knows the truth by asking, and tells something else. It never changes
// what it was told: the chain still holds it.
type liar struct {
	ask func(tl.Serializable) tl.Serializable
	key ed25519.PrivateKey // no validator's
}

func (l liar) tell(lie Lie, query tl.Serializable) (answer tl.Serializable, lied bool) {
	_, question := bare(query)
	if _, message := question.(ton.SendMessage); message && lie == LieSent {
		return ton.SendMessageStatus{Status: 1}, true
	}
	honest := l.ask(query)
	if told := lies[lie](l, question, honest); told != nil {
		return told, true
	}
	return honest, false
}

// previous is the block before one, nil where the liar finds none.
func (l liar) previous(id *ton.BlockIDExt) *ton.BlockIDExt {
	if id == nil || id.SeqNo < 2 {
		return nil
	}
	h, ok := l.ask(ton.LookupBlock{Mode: 1, ID: &ton.BlockInfoShort{Workchain: id.Workchain, Shard: id.Shard, Seqno: int32(id.SeqNo - 1)}}).(ton.BlockHeader)
	if !ok {
		return nil
	}
	return h.ID
}

// older is the honest answer to the same question about the block before.
func older[T tl.Serializable](l liar, id *ton.BlockIDExt, question func(*ton.BlockIDExt) tl.Serializable) (answer T, ok bool) {
	before := l.previous(id)
	if before == nil {
		return answer, false
	}
	answer, ok = l.ask(question(before)).(T)
	return answer, ok
}

func flip(b []byte, bit int) []byte {
	b = slices.Clone(b)
	b[bit/8] ^= 1 << (bit % 8)
	return b
}
