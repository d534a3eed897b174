package sandboxtests

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"
	"pgregory.net/rapid"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Operations, as traces show them.
const (
	opExcesses          = 0xd53276db
	opPayout            = 0xe4151c96
	opAnnounce          = 0x0ec2e9eb
	opApply             = 0x3926cb74
	opRetract           = 0x3cdf5b3e
	opLaunch            = 0x4f9e1b6f
	opTakeOwnership     = 0x69074920
	opSuspend           = 0x6648126c
	opRequestTerms      = 0x6ba78168
	opRefreshTerms      = 0x04acd7b8
	opTerms             = 0xae411ba9
	opWithdraw          = 0x0e68368f
	opStake             = 0x7f0fb44f
	opUnstake           = 0x4e991dfc
	opSetOperator       = 0x0a1e5f41
	opPutWorker         = 0x708a3b21
	opRetireWorker      = 0x6320ca36
	opPrune             = 0x4bb443c0
	opAcceptJob         = 0x24960c88
	opAccept            = 0x177e34b4
	opReport            = 0x5649701a
	opIncome            = 0x4ecb2892
	opOpenJob           = 0x62938225
	opCancel            = 0x1725e4ad
	opExpire            = 0x7c6ee061
	opDeliver           = 0x5e41133d
	opApprove           = 0x43272e52
	opDispute           = 0x1efc704b
	opRule              = 0x0eb63160
	opFinish            = 0x025320b5
	opBond              = 0x63dc077b
	opFund              = 0x47cf5a63
	opRequestUnbond     = 0x20672321
	opAppoint           = 0x557f9518
	opSetHeir           = 0x571261df
	opTransferOwnership = 0x57b607a0
	opAcceptOwnership   = 0x75162bb5
	opSucceed           = 0x6a590e20
	opRotateKey         = 0x0879eeb4
	opSetEndpoint       = 0x15ad4c81
	opOwe               = 0x1ec5f4fe
	opOpenEpoch         = 0x1bf3564a
	opPassed            = 0xd9512c1f
	opFailed            = 0x9c26f371
	opRemainder         = 0xb74a66ae
	opSettlement        = 0xdf0596af
	opOpen              = 0x69749d62
	opPublish           = 0x07ccaae2
	opProve             = 0x14fa2bc5
	opFail              = 0x25f9dc55
	opPass              = 0x1aeb1758
	opPush              = 0x3e3b91a3
	opClaim             = 0x043be091
	opOpenChannel       = 0x7f9376df
	opSettle            = 0x289903bf
	opRotate            = 0x460f95d3
	opRequestClose      = 0x0ec925e1
	opCloseNow          = 0x4d521c1b
)

// Exit codes of contracts/imports/errors.fc.
const (
	errWrongSender    = 400
	errWrongSignature = 401
	errWrongKey       = 402
	errWrongNetwork   = 403
	errWrongContract  = 404
	errWrongWorkchain = 405
	errNotEnoughValue = 500
	errNotEnoughStake = 501
	errNotEnoughFree  = 502
	errOverAllowance  = 503
	errWrongAmount    = 504
	errNotEnoughBond  = 505
	errWrongPhase     = 600
	errTooEarly       = 601
	errTooLate        = 602
	errStaleRevision  = 603
	errUnknownWorker  = 604
	errWorkerInactive = 605
	errTooMany        = 606
	errWrongRecord    = 607
	errNoTerms        = 608
	errWrongTerms     = 609
	errWrongPage      = 610
	errWrongOrder     = 611
	errWrongSum       = 612
	errAlreadyClaimed = 613
	errPending        = 614
	errUnknownCode    = 615
	errWrongOffer     = 616
	errUnknownEntry   = 617
	errWrongChange    = 618
	errWrongEvidence  = 619
	errAlreadySlashed = 620
	errWrongNumber    = 621
	errWrongEndpoint  = 622
	errOwing          = 623
	errDeepKey        = 624
	errUnknownOp      = 0xffff
	errTooManyCells   = 8 // of the TVM: compute_data_size met more than it was told
	errTrailing       = 9 // of the TVM: a cell was not read as it is written
)

// body encodes a message.
func body[T any](t rapid.TB, v T) *cell.Cell {
	t.Helper()
	c, err := wrappers.Cell(v)
	require.NoError(t, err)
	return c
}

// longer is the same message with one bit too many.
func longer(c *cell.Cell) *cell.Cell { return c.ToBuilder().MustStoreUInt(1, 1).EndCell() }

func plus(t rapid.TB, a, b cocoon.Nano) cocoon.Nano {
	t.Helper()
	sum, err := a.Add(b)
	require.NoError(t, err)
	return sum
}

func minus(t rapid.TB, a, b cocoon.Nano) cocoon.Nano {
	t.Helper()
	d, err := a.Sub(b)
	require.NoError(t, err)
	return d
}

// less1 is one nanoTON less.
func less1(t rapid.TB, a cocoon.Nano) cocoon.Nano { t.Helper(); return minus(t, a, cocoon.NanoOf(1)) }

// sizeOf counts distinct cells and their bits, as the network charges for them.
func sizeOf(c *cell.Cell) (cells, bits int) {
	seen := map[[32]byte]bool{}
	var walk func(*cell.Cell)
	walk = func(c *cell.Cell) {
		if hash := [32]byte(c.Hash()); !seen[hash] {
			seen[hash] = true
			cells, bits = cells+1, bits+int(c.BitsSize())
			for i := range int(c.RefsNum()) {
				walk(c.MustPeekRef(i))
			}
		}
	}
	walk(c)
	return cells, bits
}

// requireRefused wants the message to fail with code and to leave the contract as it was.
func (w *world) requireRefused(t *testing.T, code int32, contract cocoon.Account, act func() trace) {
	t.Helper()
	before := w.data(contract).Hash()
	act().requireExit(t, code)
	require.Equal(t, before, w.data(contract).Hash(), "a refused message must change nothing")
}

// requireLeast wants fee to be the least value that act succeeds with.
func (w *world) requireLeast(t *testing.T, contract cocoon.Account, fee cocoon.Nano, act func(value cocoon.Nano) trace) trace {
	t.Helper()
	w.requireRefused(t, errNotEnoughValue, contract, func() trace { return act(less1(t, fee)) })
	return act(fee).requireOK(t)
}

// integer reads a get-method's value.
func integer(t *testing.T, v any) int64 {
	t.Helper()
	n, ok := v.(*big.Int)
	require.True(t, ok, "%T is no integer", v)
	return n.Int64()
}
