// Package engine is a small deterministic engine with OpenAI's HTTP interface.
// It lets a market run where there is no GPU, costs the time that a GPU would
// where it is told to, breaks on purpose, and says in every text it is free to
// word that it is not a model.
package engine

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/openai"
)

// Config is what an engine serves, what that costs and how it breaks. The zero
// value answers at once, for any model, without a fault.
type Config struct {
	Models    []string // none: any
	Seed      uint64   // of filler, log probabilities and chances of faults
	Answer    int      // tokens of a text that nothing limits; 0: the short notice alone
	Reasoning float64  // share of a chat's tokens that are reasoning, 0 to 0.9
	Cache     int      // prompt tokens whose prefixes are remembered; 0: none
	Cost      Cost
	Faults    []Fault
	Clock     Clock // nil: the wall clock
}

// Validate reports what of the configuration cannot be.
func (c Config) Validate() error {
	if c.Answer < 0 || c.Answer > maxAnswer {
		return cocoon.Invalid.Errorf("an answer of %d tokens is not between 0 and %d", c.Answer, maxAnswer)
	}
	if !(c.Reasoning >= 0 && c.Reasoning <= 0.9) {
		return cocoon.Invalid.Errorf("a share of reasoning of %g is not between 0 and 0.9", c.Reasoning)
	}
	if c.Cache < 0 || c.Cache > maxCache {
		return cocoon.Invalid.Errorf("a cache of %d tokens is not between 0 and %d", c.Cache, maxCache)
	}
	for _, f := range c.Faults {
		if err := f.validate(); err != nil {
			return err
		}
	}
	return c.Cost.validate()
}

// Engine is an http.Handler. What it answers depends on nothing but its
// configuration and the request; only the time it was created, and cached tokens, also depend
// on when it was asked.
type Engine struct {
	cfg   Config
	clock Clock
	born  time.Time
	batch *batch
	count *counter
	mux   *http.ServeMux
}

// maxBody bounds a request; no line of a batch is larger.
const maxBody = openai.MaxFile

// New returns an engine that answers at once for the models of these names;
// with none it answers for any.
func New(models ...string) *Engine {
	e, err := Open(Config{Models: models})
	if err != nil {
		panic(err) // names alone cannot be wrong
	}
	return e
}

// Open returns the engine that cfg describes.
func Open(cfg Config) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	e := &Engine{cfg: cfg, clock: cfg.Clock, mux: http.NewServeMux()}
	if e.clock == nil {
		e.clock = wall{}
	}
	e.born, e.count = e.clock.Now(), &counter{}
	e.batch = newBatch(cfg.Cost, e.clock, newCache(cfg.Cache), e.count)
	e.mux.HandleFunc("GET /v1/models", e.listModels)
	e.mux.HandleFunc("GET /v1/models/{id...}", e.getModel)
	e.mux.HandleFunc("POST "+openai.Chat, handle(e, e.chat))
	e.mux.HandleFunc("POST "+openai.Completions, handle(e, e.complete))
	e.mux.HandleFunc("POST "+openai.Embeddings, handle(e, e.embed))
	e.mux.HandleFunc("GET /counters", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, e.Counters())
	})
	e.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		notFound("there is no such path").write(w)
	})
	return e, nil
}

// ServeHTTP answers one request.
func (e *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.mux.ServeHTTP(w, r) }

// request is what every endpoint's body has in common.
type request interface{ model() string }

// handle reads a body into a T, checks its model, prepares the answer and
// delivers it. The whole body is read, or the server would not notice that the
// client goes away.
func handle[T request](e *Engine, prepare func(T) (*task, *failure)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var req T
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil || json.Unmarshal(body, &req) != nil {
			invalid("", "the body is not the JSON this path takes").write(w)
			return
		}
		if !e.serves(req.model()) {
			noModel().write(w)
			return
		}
		t, f := prepare(req)
		if f != nil {
			f.write(w)
			return
		}
		e.deliver(w, r, t)
	}
}

func (e *Engine) serves(model string) bool {
	return slices.Contains(e.cfg.Models, model) || len(e.cfg.Models) == 0 && model != ""
}

type modelList struct {
	Object string      `json:"object"`
	Data   []modelItem `json:"data"`
}

type modelItem struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
}

func (e *Engine) item(model string) modelItem {
	return modelItem{model, "model", e.born.Unix(), "cocoon"}
}

func (e *Engine) listModels(w http.ResponseWriter, _ *http.Request) {
	list := modelList{"list", []modelItem{}}
	for _, m := range e.cfg.Models {
		list.Data = append(list.Data, e.item(m))
	}
	writeJSON(w, http.StatusOK, list)
}

func (e *Engine) getModel(w http.ResponseWriter, r *http.Request) {
	if id := r.PathValue("id"); e.serves(id) {
		writeJSON(w, http.StatusOK, e.item(id))
		return
	}
	noModel().write(w)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // fails only where the caller has gone
}
