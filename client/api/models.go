package api

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/cocoon-network/cocoon"
)

type modelList struct {
	Object string      `json:"object"`
	Data   []modelItem `json:"data"`
}

// modelItem is OpenAI's model, with what one has to know to choose.
type modelItem struct {
	ID      string       `json:"id"`
	Object  string       `json:"object"`
	Created int64        `json:"created"`
	Owner   string       `json:"owned_by"`
	Root    string       `json:"root"` // the network's name, where ID is an alias
	Context int          `json:"context_length,omitempty"`
	Price   cocoon.Price `json:"price"`             // nanoTON per 10^6 tokens
	Workers *uint32      `json:"workers,omitempty"` // that serve it now, 0 for none; absent where that is not known
}

// rank is lower where a worker is known to serve the model.
func (m modelItem) rank() int {
	if m.Workers != nil && *m.Workers > 0 {
		return 0
	}
	return 1
}

// models are those of the backend and, after them, the aliases of each; but first
// those that a worker serves now: who takes the first of the list is answered.
func (s *Server) models(ctx context.Context) ([]modelItem, error) {
	all, err := s.deps.Backend.Models(ctx)
	if err != nil {
		return nil, err
	}
	items := []modelItem{}
	for _, m := range all {
		items = append(items, modelItem{m.Name, "model", m.Created.Unix(), m.Owner, m.Name, m.Context, m.Price, m.Workers})
	}
	for _, alias := range slices.Sorted(maps.Keys(s.cfg.Aliases)) {
		i := slices.IndexFunc(items, func(m modelItem) bool { return m.ID == s.cfg.Aliases[alias] })
		if i >= 0 {
			item := items[i]
			item.ID = alias
			items = append(items, item)
		}
	}
	slices.SortStableFunc(items, func(a, b modelItem) int { return a.rank() - b.rank() })
	return items, nil
}

func (s *Server) serveModels(w http.ResponseWriter, r *http.Request, _ Key) {
	items, err := s.models(r.Context())
	if err != nil {
		s.refuse(w, err)
		return
	}
	s.reply(w, modelList{"list", items})
}

func (s *Server) serveModel(w http.ResponseWriter, r *http.Request, _ Key) {
	items, err := s.models(r.Context())
	if err != nil {
		s.refuse(w, err)
		return
	}
	i := slices.IndexFunc(items, func(m modelItem) bool { return m.ID == r.PathValue("id") })
	if i < 0 {
		s.refuse(w, &Error{Code: CodeNoModel, Param: "model", Err: cocoon.NotFound.Errorf("no such model is served")})
		return
	}
	s.reply(w, items[i])
}

func (s *Server) reply(w http.ResponseWriter, v any) {
	body := marshal(v)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_ = s.outTo(w).write(body) // who does not read it asks again
}
