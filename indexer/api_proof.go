package indexer

import (
	"context"
	"fmt"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cocoon-network/cocoon"
)

// Prover makes proof bundles; *bundle.Maker is one.
type Prover interface {
	// Make shows the accounts at masterchain block at to whoever trusts block from,
	// 0 for the one that the network file trusts.
	Make(ctx context.Context, at, from uint32, accounts ...cocoon.Account) ([]byte, error)
}

// proofInput asks for a proof bundle.
type proofInput struct {
	Account []string `query:"account,explode" maxItems:"64" doc:"address in any form; repeat it for several accounts in one bundle"`
	From    uint32   `query:"from" doc:"seqno of a masterchain block that you trust; without it the init_block of the network's global.config.json"`
}

// bundleAnswer is a file, as the client keeps and checks it.
type bundleAnswer struct {
	Head        string `header:"X-Cocoon-Head" doc:"masterchain seqno and number of events, as in 120;34; the bundle is of that block"`
	ContentType string `header:"Content-Type"`
	Name        string `header:"Content-Disposition"`
	Body        []byte
}

// bundleType is the media type of a proof bundle.
const bundleType = "application/vnd.cocoon.bundle"

func (a *api) routeProof() {
	op := operation("/v1/proof", "Accounts of the last block that was read, proven from a block you trust: a bundle that cocoon verify checks offline")
	op.Responses = map[string]*huma.Response{"200": {Description: "a proof bundle, docs/protocol/bundle.md",
		Content: map[string]*huma.MediaType{bundleType: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}}}
	huma.Register(a.huma, op, func(ctx context.Context, in *proofInput) (*bundleAnswer, error) {
		answer, err := a.prove(ctx, in)
		if err != nil {
			return nil, a.problem(op.Path, err)
		}
		return answer, nil
	})
}

func (a *api) prove(ctx context.Context, in *proofInput) (*bundleAnswer, error) {
	if a.cfg.Prover == nil {
		return nil, cocoon.NotFound.Errorf("this indexer makes no proof bundles")
	}
	accounts := make([]cocoon.Account, len(in.Account))
	for i, text := range in.Account {
		var err error
		if accounts[i], err = cocoon.ParseAccount(text); err != nil {
			return nil, err
		}
	}
	at := a.position()
	if at.root == [32]byte{} {
		return nil, cocoon.NotFound.Errorf("no block was read yet")
	}
	data, err := a.cfg.Prover.Make(ctx, at.seqno, in.From, accounts...)
	if err != nil {
		return nil, err
	}
	return &bundleAnswer{fmt.Sprintf("%d;%d", at.seqno, at.events), bundleType, fmt.Sprintf(`attachment; filename="cocoon-%d.bundle"`, at.seqno), data}, nil
}
