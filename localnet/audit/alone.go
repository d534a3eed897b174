package audit

import (
	"crypto/sha256"
	"fmt"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// Alone judges a block of any TON network of which nothing else is known: what it
// must keep by itself. It returns the id it found.
func Alone(raw []byte) (*ton.BlockIDExt, error) {
	root, err := cell.FromBOC(raw)
	if err != nil {
		return nil, fmt.Errorf("audit: bag of cells: %w", err)
	}
	var parsed tlb.Block
	if err = tlb.Parse(&parsed, root); err != nil {
		return nil, fmt.Errorf("audit: block: %w", err)
	}
	workchain, prefix := tlb.ConvertShardIdentToShard(parsed.BlockInfo.Shard)
	r := ref{shard: shard{workchain, prefix}, seqno: parsed.BlockInfo.SeqNo, root: root.HashKey(), file: sha256.Sum256(raw)}
	b, err := parseBlock(r, raw, nil)
	if err != nil {
		return nil, &Violation{Block: name(r.id()), Rule: RuleParse, Err: err}
	}
	for _, c := range []check{{RuleUpdate, func() error { return cell.ValidateMerkleUpdate(b.update) }}, {RuleHeader, b.checkAloneHeader},
		{RuleTransactions, b.checkChains}, {RuleInbound, b.checkInbound}, {RuleOutbound, b.checkOutbound}, {RuleFlow, b.checkOwnFlow}} {
		if err = c.run(); err != nil {
			return nil, &Violation{Block: name(r.id()), Rule: c.rule, Err: err}
		}
	}
	return r.id(), nil
}

func (b *block) checkChains() error {
	for _, a := range b.accounts {
		if !b.shard.contains(address{b.shard.workchain, a.account}.place()) {
			return fmt.Errorf("account %x is out of shard %s", a.account, b.shard)
		}
		if err := b.checkChain(a); err != nil {
			return fmt.Errorf("account %x: %w", a.account, err)
		}
	}
	return nil
}
