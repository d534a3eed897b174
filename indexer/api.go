package indexer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/protocol/market"
)

// api answers questions over HTTP.
type api struct {
	*Indexer
	huma huma.API
}

// Handler serves the HTTP API below /v1, described by /v1/openapi.json. Errors
// are problem details of RFC 9457. Streams end with their request: a server that
// shuts down cancels its base context first.
func (x *Indexer) Handler() http.Handler {
	mux := http.NewServeMux()
	cfg := huma.DefaultConfig("Cocoon", "1")
	cfg.Info.Description = "What our contracts did and what it adds up to. Amounts are decimal strings of nano" + cocoon.Coin + ", times unix seconds of the chain."
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath, cfg.CreateHooks = "/v1/openapi", "", "", nil
	cfg.RejectUnknownQueryParameters = true
	for _, text := range []reflect.Type{reflect.TypeFor[cocoon.Nano](), reflect.TypeFor[cocoon.Account](), reflect.TypeFor[cocoon.ModelID]()} {
		cfg.Components.Schemas.RegisterTypeAlias(text, reflect.TypeFor[string]())
	}
	a := &api{x, humago.New(mux, cfg)}
	a.routes()
	a.listRoutes()
	a.rollupRoutes()
	a.routeStream()
	a.routeProof()
	return mux
}

// answer is a body with how far the chain had been followed when it was asked
// for: what it says is at least as new.
type answer[T any] struct {
	Head string `header:"X-Cocoon-Head" doc:"masterchain seqno and number of events, as in 120;34"`
	Body T
}

// nothing is asked for.
type nothing struct{}

// ByAccount asks for one contract; exported for the same reason as PageInput.
type ByAccount struct {
	Account string `path:"account" doc:"address in any form"`
}

// status is how far the chain has been followed, of which market, and through whom.
type status struct {
	market.Head
	Registry cocoon.Account `json:"registry"`
	GlobalID int32          `json:"global_id"`
	Audit    Reconciliation `json:"audit" doc:"what comparing the tables with the chain on a schedule found; mismatches stays 0"`
	// Liteservers says of each whether it is asked, and of one in quarantine why not.
	Liteservers []chain.ServerStatus `json:"liteservers"`
	Ahead       int                  `json:"ahead_bytes" doc:"of blocks read ahead of the log"`
	Clocks      Clocks               `json:"clocks"`
}

func (a *api) routes() {
	route(a, "/v1/status", "How far the chain has been followed", func(context.Context, *nothing) (status, error) {
		return status{a.Head(), a.cfg.Registry, a.cfg.GlobalID, a.Reconciliation(), a.cfg.Chain.Status(), a.feed.Ahead(), a.Clocks()}, nil
	})
	route(a, "/v1/registry", "The registry", func(ctx context.Context, _ *nothing) (market.Registry, error) { return a.Registry(ctx) })
	route(a, "/v1/money", "What all contracts received, paid, burnt and hold", func(ctx context.Context, _ *nothing) (market.Money, error) { return a.Money(ctx) })
	one(a, "/v1/providers/{account}", "A provider", a.Provider)
	one(a, "/v1/jobs/{account}", "A job", a.Job)
	one(a, "/v1/channels/{account}", "A channel", a.Channel)
	one(a, "/v1/rewards/{account}", "A rewards contract", a.RewardsAt)
	one(a, "/v1/epochs/{account}", "An epoch", a.Epoch)
	one(a, "/v1/contracts/{account}", "A contract and its money", a.Contract)
}

// one serves a single contract.
func one[T any](a *api, path, summary string, get func(context.Context, cocoon.Account) (T, error)) {
	route(a, path, summary, func(ctx context.Context, in *ByAccount) (T, error) {
		account, err := cocoon.ParseAccount(in.Account)
		if err != nil {
			var none T
			return none, err
		}
		return get(ctx, account)
	})
}

// route serves what get finds.
func route[I, T any](a *api, path, summary string, get func(context.Context, *I) (T, error)) {
	huma.Register(a.huma, operation(path, summary), func(ctx context.Context, in *I) (*answer[T], error) {
		head := a.Head()
		body, err := get(ctx, in)
		if err != nil {
			return nil, a.problem(path, err)
		}
		return &answer[T]{fmt.Sprintf("%d;%d", head.Seqno, head.Events), body}, nil
	})
}

func operation(path, summary string) huma.Operation {
	return huma.Operation{Method: http.MethodGet, Path: path, OperationID: huma.GenerateOperationID(http.MethodGet, path, struct{}{}), Summary: summary,
		Errors: []int{http.StatusBadRequest, http.StatusNotFound, http.StatusServiceUnavailable}}
}

// askAgain is what Retry-After says where the database or the chain does not answer, in seconds.
const askAgain = "2"

// problem is err for who asked. Faults of ours are logged and not told, nor is
// where our database is.
func (a *api) problem(path string, err error) error {
	kind := cocoon.KindOf(err)
	switch kind {
	case cocoon.Unreachable:
		a.log.Warn("request not answered: chain or database not reached", "path", path, "err", err)
		return huma.ErrorWithHeaders(huma.NewError(http.StatusServiceUnavailable, "the indexer does not reach what it needs to answer that; ask again later"),
			http.Header{"Retry-After": {askAgain}})
	case cocoon.Internal:
		if !errors.Is(err, context.Canceled) {
			a.log.Error("request failed", "path", path, "err", err)
		}
		return huma.NewError(http.StatusInternalServerError, "the indexer cannot answer that; its log says why")
	}
	if hint := cocoon.HintOf(err); hint != "" {
		return huma.NewError(kind.HTTPStatus(), err.Error(), &huma.ErrorDetail{Message: hint})
	}
	return huma.NewError(kind.HTTPStatus(), err.Error())
}
