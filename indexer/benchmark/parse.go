package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/xssnick/tonutils-go/tlb"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/indexer"
	"github.com/cocoon-network/cocoon/wrappers"
)

// measureParse parses blocks out of their bytes and maps each of their
// transactions to an event, on one core, as if all were of jobs of ours.
func measureParse(ctx context.Context, f *figures, o options, s *segment) error {
	var generated []*block
	for _, b := range s.blocks {
		generated = append(generated, &block{id: b.id, boc: b.boc})
	}
	mainnet, err := loadMainnet(o.fixtures)
	if err != nil {
		return err
	}
	rates := map[string][]float64{}
	for range o.rounds {
		for name, blocks := range map[string][]*block{"segment": generated, "mainnet": mainnet} {
			if len(blocks) == 0 || ctx.Err() != nil {
				continue
			}
			rate, err := parseRate(blocks)
			if err != nil {
				return fmt.Errorf("parse %s: %w", name, err)
			}
			rates[name] = append(rates[name], rate)
		}
	}
	if err = ctx.Err(); err != nil {
		return err
	}
	f.ParseSegmentTxS = median(rates["segment"])
	f.ParseTxS = f.ParseSegmentTxS
	if len(mainnet) > 0 {
		f.ParseMainnetTxS = median(rates["mainnet"])
		f.ParseTxS = f.ParseMainnetTxS
	}
	note("parse and map: %.0f transactions/s", *f.ParseTxS)
	return nil
}

func loadMainnet(fixtures string) (blocks []*block, err error) {
	if fixtures == "" {
		return nil, nil
	}
	files, err := filepath.Glob(filepath.Join(fixtures, "mainnet-blocks", "*.boc"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		boc, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, &block{boc: boc})
	}
	return blocks, nil
}

// shortest is how long blocks are parsed at least, again and again.
const shortest = 500 * time.Millisecond

// parseRate is in transactions a second.
func parseRate(blocks []*block) (float64, error) {
	mapped, began := 0, time.Now()
	for time.Since(began) < shortest {
		for _, b := range blocks {
			n, err := mapAll(b)
			if err != nil {
				return 0, err
			}
			mapped += n
		}
	}
	return float64(mapped) / time.Since(began).Seconds(), nil
}

// mapAll counts the transactions it has made events of; those that no message
// caused are read, and counted out.
func mapAll(b *block) (mapped int, err error) {
	txs, err := b.parse()
	if err != nil {
		return 0, err
	}
	for _, tx := range txs {
		if _, ordinary := tx.Description.(tlb.TransactionDescriptionOrdinary); !ordinary || tx.IO.In == nil {
			continue
		}
		if _, err = indexer.EventOf(tx, wrappers.KindJob, cocoon.Account(tx.AccountAddr)); err != nil {
			return 0, err
		}
		mapped++
	}
	return mapped, nil
}
