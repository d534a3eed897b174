package sandboxtests

import (
	"fmt"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// response is who gets the change.
var response = wallet("change")

// signature is what key has signed of a layout, with its cell.
func signature[T any](b *bazaar, v T, key string) (*cell.Cell, [64]byte) {
	b.t.Helper()
	c, s, err := wrappers.Sign(v, keyOf(key))
	require.NoError(b.t, err)
	return c, s.Bytes
}

func (b *bazaar) possession(key string, of cocoon.Account) *wrappers.Signature {
	b.t.Helper()
	s, err := wrappers.ProvePossession(keyOf(key), globalID, of)
	require.NoError(b.t, err)
	return &s
}

// compose is the body of m, nil where the state has no room for such a message.
func (b *bazaar) compose(m move) *cell.Cell {
	b.t.Helper()
	at := b.place(m.At)
	for _, compose := range []func(move, cocoon.Account) *cell.Cell{b.composeOfAll, b.composeProvider, b.composeJob, b.composeRewards, b.composeEpoch, b.composeChannel} {
		if c := compose(m, at); c != nil {
			return c
		}
	}
	return nil
}

// composeOfAll are the messages of the registry and those of more than one contract.
func (b *bazaar) composeOfAll(m move, _ cocoon.Account) *cell.Cell {
	switch m.Do {
	case "announce":
		a, err := wrappers.AnnounceTerms(1, termsOf(b.t, m.Number))
		require.NoError(b.t, err)
		return body(b.t, a)
	case "launch":
		return body(b.t, wrappers.Launch{QueryID: 1})
	case "apply":
		return body(b.t, wrappers.Apply{QueryID: 1, Change: uint32(m.Index)})
	case "request_terms":
		return body(b.t, wrappers.RequestTerms{QueryID: 1})
	case "refresh_terms":
		hash, err := termsOf(b.t, m.Number).Hash()
		require.NoError(b.t, err)
		return body(b.t, wrappers.RefreshTerms{QueryID: 1, Hash: hash})
	case "terms":
		return body(b.t, wrappers.TermsAnswer{QueryID: 1, Terms: body(b.t, termsOf(b.t, m.Number))})
	case "withdraw":
		return body(b.t, wrappers.Withdraw{QueryID: 1, Amount: coins(m.Amount)})
	case "finish":
		return body(b.t, wrappers.Finish{QueryID: 1, Response: response})
	}
	return nil
}

func (b *bazaar) composeProvider(m move, at cocoon.Account) *cell.Cell {
	switch m.Do {
	case "stake":
		return body(b.t, wrappers.Stake{QueryID: 1, Amount: coins(m.Amount), Response: response})
	case "request_unstake":
		return body(b.t, wrappers.RequestUnstake{QueryID: 1, Amount: coins(m.Amount)})
	case "set_operator":
		return body(b.t, wrappers.SetOperator{QueryID: 1, Key: publicOf(m.Key), Allowance: coins(m.Amount), Possession: b.possession(m.Key, at)})
	case "put_worker":
		record, err := workerRecordOf(uint16(m.Count)).Cell()
		require.NoError(b.t, err)
		order, sig := signature(b, wrappers.PutWorkerOrder{GlobalID: globalID, Contract: at, Revision: uint64(m.Number), Worker: publicOf(m.Worker),
			Possession: b.possession(m.Worker, at), Record: record}, m.Key)
		return body(b.t, wrappers.PutWorker{QueryID: 1, Response: response, Signature: sig, Order: order})
	case "retire_worker":
		order, sig := signature(b, wrappers.RetireWorkerOrder{GlobalID: globalID, Contract: at, Revision: uint64(m.Number), Worker: publicOf(m.Worker)}, m.Key)
		return body(b.t, wrappers.RetireWorker{QueryID: 1, Response: response, Signature: sig, Order: order})
	case "prune":
		return body(b.t, wrappers.Prune{QueryID: 1, Response: response, Worker: publicOf(m.Worker)})
	case "accept_job":
		return b.composeAccept(m, at)
	case "report_equivocation":
		s := &providerStory{world: b.world, provider: at}
		e := s.evidence(m.Worker)
		e.certifier = keyOf(m.Key)
		e.second.Number += uint32(m.Number)
		report := e.message(b.t)
		report.Response = response
		return body(b.t, report)
	case "income":
		return body(b.t, wrappers.Income{QueryID: 1, Bond: coins(m.Amount)})
	}
	return nil
}

// passes are who signs a pass, in vain or not.
var passes = map[bool]string{true: "impostor", false: "offer"}

// composeAccept carries a pass where the job wants one, a wrong one with Number 1.
func (b *bazaar) composeAccept(m move, at cocoon.Account) *cell.Cell {
	b.t.Helper()
	o := wrappers.AcceptJobOrder{GlobalID: globalID, Contract: at, Job: b.place(m.Other), Worker: publicOf(m.Worker), Bond: coins(m.Amount), ValidUntil: b.now + uint32(m.Wait)}
	if b.offers[m.Other].OfferKey != [32]byte{} {
		_, sig := signature(b, wrappers.PassFor{GlobalID: globalID, Contract: o.Job, Provider: at}, passes[m.Number == 1])
		o.Pass = &wrappers.Signature{Bytes: sig}
	}
	order, sig := signature(b, o, m.Key)
	return body(b.t, wrappers.AcceptJob{QueryID: 1, Response: response, Signature: sig, Order: order})
}

func (b *bazaar) composeJob(m move, at cocoon.Account) *cell.Cell {
	switch m.Do {
	case "open_job":
		return body(b.t, wrappers.OpenJob{QueryID: 1})
	case "accept":
		p := stateOf[wrappers.Provider](b, m.Other).Birth
		return body(b.t, wrappers.Accept{QueryID: 1, Bond: coins(m.Amount), Owner: p.Owner, Index: p.Index, Worker: publicOf(m.Worker), Response: response})
	case "cancel":
		return body(b.t, wrappers.Cancel{QueryID: 1})
	case "expire":
		return body(b.t, wrappers.Expire{QueryID: 1, Response: response})
	case "deliver_result":
		d, err := wrappers.Delivery{GlobalID: globalID, Contract: at, ResultHash: [32]byte{9}, Amount: coins(m.Amount), Prompt: 1}.Sign(keyOf(m.Worker), 1, response)
		require.NoError(b.t, err)
		return body(b.t, d)
	case "approve":
		return body(b.t, wrappers.Approve{QueryID: 1})
	case "dispute":
		return body(b.t, wrappers.Dispute{QueryID: 1})
	case "rule":
		return body(b.t, wrappers.Rule{QueryID: 1, PayBps: uint16(m.Count), BondBps: uint16(m.Number)})
	}
	return nil
}

func (b *bazaar) composeRewards(m move, at cocoon.Account) *cell.Cell {
	amount := coins(m.Amount)
	switch m.Do {
	case "bond":
		return body(b.t, wrappers.Bond{QueryID: 1, Amount: amount, Response: response})
	case "fund":
		return body(b.t, wrappers.Fund{QueryID: 1, Amount: amount, Response: response})
	case "request_unbond":
		return body(b.t, wrappers.RequestUnbond{QueryID: 1, Amount: amount})
	case "appoint":
		return body(b.t, wrappers.Appoint{QueryID: 1, Operator: wallet(m.Other)})
	case "set_heir":
		return body(b.t, wrappers.SetHeir{QueryID: 1, Heir: wallet(m.Other)})
	case "transfer_ownership":
		return body(b.t, wrappers.TransferOwnership{QueryID: 1, Owner: wallet(m.Other)})
	case "accept_ownership":
		return body(b.t, wrappers.AcceptOwnership{QueryID: 1})
	case "succeed":
		return body(b.t, wrappers.Succeed{QueryID: 1})
	case "rotate_key":
		return body(b.t, wrappers.RotateKey{QueryID: 1, Key: publicOf(m.Key), Possession: b.possession(m.Key, at)})
	case "owe":
		r := signedBy(b.t, m.Key, earnedIn(at, uint32(m.Number), b.place(m.Other), m.Amount))
		return body(b.t, wrappers.Owe{QueryID: 1, Response: response, Signature: r.signature, Receipt: r.signed})
	case "open_epoch":
		tree := b.plant(m)
		return body(b.t, wrappers.OpenEpoch{QueryID: 1, Root: [32]byte(tree.root.Hash()), Total: coins(tree.said), Count: uint32(len(tree.leaves))})
	case "passed":
		return body(b.t, wrappers.Passed{QueryID: 1, Number: uint32(m.Number), Attempt: uint16(m.Index), Response: response})
	case "failed":
		return body(b.t, wrappers.Failed{QueryID: 1, Number: uint32(m.Number), Attempt: uint16(m.Index), Penalty: amount, Proven: b.place(m.Other)})
	case "remainder":
		return body(b.t, wrappers.Remainder{QueryID: 1, Number: uint32(m.Number)})
	case "settlement":
		return body(b.t, wrappers.Settlement{QueryID: 1, Amount: amount})
	}
	return nil
}

func (b *bazaar) composeChannel(m move, at cocoon.Account) *cell.Cell {
	switch m.Do {
	case "open_channel":
		return body(b.t, wrappers.OpenChannel{QueryID: 1, Tokens: 5})
	case "settle":
		c := &channelStory{world: b.world, channel: at}
		signed, err := voucherOver(c, m.Amount).Sign(keyOf(m.Key))
		require.NoError(b.t, err)
		return body(b.t, wrappers.NewSettle(signed, 1, response))
	case "rotate":
		return body(b.t, wrappers.Rotate{QueryID: 1, Key: publicOf(m.Key), Possession: b.possession(m.Key, at)})
	case "request_close":
		return body(b.t, wrappers.RequestClose{QueryID: 1})
	case "close_now":
		_, sig := signature(b, wrappers.ClosePromise{GlobalID: globalID, Contract: at, Final: coins(m.Amount)}, m.Key)
		return body(b.t, wrappers.CloseNow{QueryID: 1, Signature: sig, Final: coins(m.Amount)})
	}
	return nil
}

// numbered is a name with its number.
func numbered(name string, n int) string { return fmt.Sprint(name, " ", n) }
