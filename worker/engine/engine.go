// Package engine is a small deterministic engine with OpenAI's HTTP interface.
// It lets a market run where there is no GPU, and says in every answer that it
// is not a model.
package engine

import (
	"encoding/json"
	"net/http"

	"github.com/cocoon-network/cocoon/protocol/openai"
)

// Engine is an http.Handler. The answer to a request depends on nothing but
// the request.
type Engine struct {
	models []string
	mux    *http.ServeMux
}

// maxBody bounds a request; no line of a batch is larger.
const maxBody = openai.MaxFile

// New returns an engine that answers for the models of these names; with none
// it answers for any.
func New(models ...string) *Engine {
	e := &Engine{models: models, mux: http.NewServeMux()}
	e.mux.HandleFunc("GET /v1/models", e.listModels)
	e.mux.HandleFunc("POST "+openai.Chat, handle(e, e.chat))
	e.mux.HandleFunc("POST "+openai.Completions, handle(e, e.complete))
	e.mux.HandleFunc("POST "+openai.Embeddings, handle(e, e.embed))
	e.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		notFound("there is no such path").write(w)
	})
	return e
}

// ServeHTTP answers one request.
func (e *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.mux.ServeHTTP(w, r) }

// request is what every endpoint's body has in common.
type request interface{ model() string }

// handle reads a body into a T, checks its model and answers.
func handle[T request](e *Engine, answer func(http.ResponseWriter, T) *failure) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var req T
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&req); err != nil {
			invalid("the body is not the JSON this path takes").write(w)
			return
		}
		if !e.serves(req.model()) {
			notFound("this engine does not serve the model").write(w)
			return
		}
		if f := answer(w, req); f != nil {
			f.write(w)
		}
	}
}

func (e *Engine) serves(model string) bool {
	for _, m := range e.models {
		if m == model {
			return true
		}
	}
	return len(e.models) == 0 && model != ""
}

type modelList struct {
	Object string      `json:"object"`
	Data   []modelItem `json:"data"`
}

type modelItem struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	OwnedBy string `json:"owned_by"`
}

func (e *Engine) listModels(w http.ResponseWriter, _ *http.Request) {
	list := modelList{"list", []modelItem{}}
	for _, m := range e.models {
		list.Data = append(list.Data, modelItem{m, "model", "cocoon"})
	}
	writeJSON(w, http.StatusOK, list)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // fails only where the caller has gone
}
