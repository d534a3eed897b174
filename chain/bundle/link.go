package bundle

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"

	"github.com/cocoon-network/cocoon"
)

// checkLinks follows links from a block that is trusted. Steps back come first,
// and every step leads on, so that there is no way around.
func checkLinks(from Block, links []Link) error {
	forward := false
	for _, l := range links {
		if forward && !l.Forward {
			return cocoon.Invalid.Errorf("%w: it goes back to block %d after it went forward", ErrLink, l.To.Seqno)
		}
		if err := l.check(from); err != nil {
			return cocoon.Invalid.Errorf("%w: from block %d to %d: %w", ErrLink, from.Seqno, l.To.Seqno, err)
		}
		from, forward = l.To, l.Forward
	}
	return nil
}

func (l *Link) check(from Block) error {
	header, err := ton.CheckBlockProof(l.Dest, l.To.Root[:])
	if err != nil {
		return err
	}
	if header.BlockInfo.SeqNo != l.To.Seqno {
		return fmt.Errorf("the header is of block %d", header.BlockInfo.SeqNo)
	}
	if l.Forward {
		return ton.CheckForwardBlockProof(from.ID(), l.To.ID(), l.ToKey, l.Config, l.Dest, l.Signed.set())
	}
	if err = ton.CheckBackwardBlockProof(from.ID(), l.To.ID(), l.ToKey, l.State, l.Dest, l.Header); err != nil {
		return err
	}
	return l.checkOld(from)
}

// checkOld compares what the client library leaves out of the reference to an
// older block: its file hash and its seqno.
func (l *Link) checkOld(from Block) error {
	extra, err := ton.CheckShardMcStateExtraProof(from.ID(), l.pair().cells())
	if err != nil {
		return err
	}
	var info tlb.McStateExtraBlockInfo
	s, err := extra.Info.BeginParse()
	if err != nil {
		return err
	}
	if err = tlb.LoadFromCellAsProof(&info, s); err != nil {
		return err
	}
	value, _, err := info.PrevBlocks.LoadValueExtraByIntKey(big.NewInt(int64(l.To.Seqno)))
	if err != nil {
		return err
	}
	var old tlb.KeyExtBlkRef
	if err = tlb.LoadFromCellAsProof(&old, value); err != nil {
		return err
	}
	if old.BlkRef.SeqNo != l.To.Seqno || string(old.BlkRef.FileHash) != string(l.To.FileHash[:]) {
		return errors.New("the state names another block there")
	}
	return nil
}

func (l *Link) pair() Pair { return Pair{l.Header, l.State} }

// set is the signatures as the client library takes them.
func (s Signatures) set() any {
	list := make([]ton.Signature, len(s.List))
	for i := range s.List {
		list[i] = ton.Signature{NodeIDShort: s.List[i].Node[:], Signature: s.List[i].Bytes[:]}
	}
	if s.Simplex != nil {
		return ton.SignatureSetSimplex{CCSeqno: int32(s.Catchain), ValidatorSetHash: int32(s.ValidatorSet), Signatures: list,
			SessionID: s.Simplex.Session[:], Slot: s.Simplex.Slot, Candidate: s.Simplex.Candidate}
	}
	return ton.SignatureSetOrdinary{CatchainSeqno: int32(s.Catchain), ValidatorSetHash: int32(s.ValidatorSet), Signatures: list}
}
