package localnet

import (
	"context"
	"errors"
	"fmt"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
)

// asking puts one question to a client and tells what it answered.
type asking func(ctx context.Context, api *ton.APIClient, s scene) (string, error)

// scene is what questions are about.
type scene struct {
	*rich
	head, top *ton.BlockIDExt
	account   *tlb.Account
}

func askHead(ctx context.Context, api *ton.APIClient, s scene) (string, error) {
	id, err := api.GetMasterchainInfo(ctx)
	return fmt.Sprint(id), err
}

func askAccount(ctx context.Context, api *ton.APIClient, s scene) (string, error) {
	a, err := api.GetAccount(ctx, s.head, s.WalletAddress())
	if err != nil || a.State == nil {
		return "none", err
	}
	return fmt.Sprint(a.State.Balance, a.LastTxLT), nil
}

func askSeqno(ctx context.Context, api *ton.APIClient, s scene) (string, error) {
	r, err := api.RunGetMethod(ctx, s.head, s.WalletAddress(), "seqno")
	if err != nil {
		return "", err
	}
	return r.MustInt(0).String(), nil
}

func askBlock(ctx context.Context, api *ton.APIClient, s scene) (string, error) {
	b, err := api.GetBlockDataAsCell(ctx, s.top)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", b.Hash()), nil
}

func askHeader(ctx context.Context, api *ton.APIClient, s scene) (string, error) {
	h, err := api.GetBlockHeader(ctx, s.top)
	if err != nil {
		return "", err
	}
	return fmt.Sprint(h.SeqNo), nil
}

func askLookup(ctx context.Context, api *ton.APIClient, s scene) (string, error) {
	id, err := api.LookupBlock(ctx, s.top.Workchain, s.top.Shard, s.top.SeqNo)
	return fmt.Sprint(id), err
}

func askShards(ctx context.Context, api *ton.APIClient, s scene) (string, error) {
	shards, err := api.GetBlockShardsInfo(ctx, s.head)
	said := ""
	for _, id := range shards {
		said += nameOf(id)
	}
	return said, err
}

func askConfig(params ...int32) asking {
	return func(ctx context.Context, api *ton.APIClient, s scene) (string, error) {
		config, err := api.GetBlockchainConfig(ctx, s.head, params...)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%x %x", config.Get(8).Hash(), config.Get(21).Hash()), nil
	}
}

func askList(ctx context.Context, api *ton.APIClient, s scene) (string, error) {
	list, more, err := api.GetBlockTransactionsV2(ctx, s.top, 100)
	return fmt.Sprint(list, more), err
}

func askOne(ctx context.Context, api *ton.APIClient, s scene) (string, error) {
	tx, err := api.GetTransaction(ctx, s.top, s.WalletAddress(), s.account.LastTxLT)
	if errors.Is(err, ton.ErrNoTransactionsWereFound) {
		return "none", nil
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprint(tx.Now), nil
}

func askHistory(ctx context.Context, api *ton.APIClient, s scene) (string, error) {
	list, err := api.ListTransactions(ctx, s.WalletAddress(), 5, s.account.LastTxLT, s.account.LastTxHash)
	hashes := ""
	for _, tx := range list {
		hashes += fmt.Sprintf("%x ", tx.Hash)
	}
	return hashes, err
}
