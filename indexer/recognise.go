package indexer

import (
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/contracts"
	"github.com/cocoon-network/cocoon/wrappers"
)

// birth is how an account became one of our contracts.
type birth struct {
	kind wrappers.Kind
	data *cell.Cell
}

// recognise returns the birth of one of our contracts where tx is one. What
// counts is what the address is derived from, since anyone may deploy our code
// with a state of his own: with stake nobody paid, or with an escrow already open.
func (x *Indexer) recognise(b *batch, account cocoon.Account, tx *tlb.Transaction) *birth {
	if tx.OrigStatus == tlb.AccountStatusActive || tx.EndStatus != tlb.AccountStatusActive || tx.IO.In == nil {
		return nil
	}
	init := initOf(tx.IO.In)
	if init == nil || init.Code == nil || init.Data == nil {
		return nil
	}
	derived, err := chain.BornAccount(&tlb.StateInit{Code: init.Code, Data: init.Data})
	if err != nil || derived != account {
		return nil
	}
	artifact, ok := contracts.ByCodeHash(init.Code.Hash())
	if !ok || !x.belongs(b, wrappers.Kind(artifact.Name), account, init.Data) {
		return nil
	}
	return &birth{wrappers.Kind(artifact.Name), init.Data}
}

func initOf(m *tlb.Message) *tlb.StateInit {
	switch in := m.Msg.(type) {
	case *tlb.InternalMessage:
		return in.StateInit
	case *tlb.ExternalMessage:
		return in.StateInit
	}
	return nil
}

// belongs reports whether birth data of that kind is birth data, and of our registry.
func (x *Indexer) belongs(b *batch, kind wrappers.Kind, account cocoon.Account, data *cell.Cell) bool {
	switch kind {
	case wrappers.KindRegistry:
		return account == x.cfg.Registry
	case wrappers.KindProvider:
		birth, err := wrappers.Decode[wrappers.ProviderBirth](data)
		return err == nil && birth.Registry == x.cfg.Registry
	case wrappers.KindRewards:
		birth, err := wrappers.Decode[wrappers.RewardsBirth](data)
		return err == nil && birth.Registry == x.cfg.Registry
	case wrappers.KindEpoch:
		birth, err := wrappers.Decode[wrappers.EpochBirth](data)
		parent, known := x.lookup(b, birth.Rewards)
		return err == nil && known && parent == wrappers.KindRewards
	case wrappers.KindJob:
		job, err := wrappers.DecodeJob(data)
		if err != nil || job.Offer.Terms.Registry != x.cfg.Registry {
			return false
		}
		offered, err := job.Offer.Account()
		return err == nil && offered == account
	case wrappers.KindChannel:
		return x.belongsChannel(b, account, data)
	}
	return false
}

// belongsChannel reports whether data is how a channel begins whose payee is a
// rewards contract of ours, as it names no registry. The payee has to be there
// first: until then nothing tells whose channel it is.
func (x *Indexer) belongsChannel(b *batch, account cocoon.Account, data *cell.Cell) bool {
	channel, err := wrappers.DecodeChannel(data)
	if err != nil {
		return false
	}
	born, err := channel.Birth.Account()
	payee, known := x.lookup(b, channel.Birth.Rewards)
	return err == nil && born == account && known && payee == wrappers.KindRewards
}
