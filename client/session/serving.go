package session

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// serving is how many workers each model has, by the dispatcher's word. One question
// is for all who want to know meanwhile.
type serving struct {
	s *Session

	mu      sync.Mutex
	workers map[cocoon.ModelID]uint32 // nil where the dispatcher did not say
	until   time.Time                 // believed
}

// of is the dispatcher's word on models, at most Config.Counted old; nil where it says
// nothing within Config.Counting, which is as long believed.
func (v *serving) of(models []cocoon.ModelID) map[cocoon.ModelID]uint32 {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.s.deps.Now().Before(v.until) {
		return v.workers
	}
	workers, err := v.ask(models)
	if err != nil {
		v.s.log.Debug("workers not counted", "error", err) // a dispatcher need not know the question
	}
	v.workers, v.until = workers, v.s.deps.Now().Add(v.s.cfg.Counted)
	return workers
}

func (v *serving) ask(models []cocoon.ModelID) (map[cocoon.ModelID]uint32, error) {
	node, _, err := v.s.place()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(v.s.life, v.s.cfg.Counting)
	defer cancel()
	q := stream.ModelsOf{Caps: v.s.cfg.Caps, Tier: v.s.deps.Trust.Policy().Tier, Models: slices.Clone(models[:min(len(models), stream.MaxModels)])}
	slices.SortFunc(q.Models, func(a, b cocoon.ModelID) int { return bytes.Compare(a[:], b[:]) })
	answer, err := ask(ctx, v.s.link, node, stream.ModelsVerb, q, stream.ParseModels)
	if err != nil {
		return nil, err
	}
	if len(answer.Workers) != len(q.Models) {
		return nil, cocoon.Invalid.Errorf("asked of %d models, the dispatcher answers of %d", len(q.Models), len(answer.Workers))
	}
	workers := make(map[cocoon.ModelID]uint32, len(q.Models))
	for i, id := range q.Models {
		workers[id] = answer.Workers[i]
	}
	return workers, nil
}

// serving is the word of every dispatcher that is up, in order of preference.
func (p *Pool) serving(models []cocoon.ModelID) []map[cocoon.ModelID]uint32 {
	up := slices.DeleteFunc(p.ready(), func(s *Session) bool { gone, _ := s.Err(); return gone != nil })
	words := make([]map[cocoon.ModelID]uint32, len(up))
	var asking sync.WaitGroup
	for i, s := range up {
		asking.Go(func() { words[i] = s.serving.of(models) })
	}
	asking.Wait()
	return words
}

// workersOf is the word of the first dispatcher that has a worker for the model: a
// request goes there. They are not added up, since a worker may have joined several.
// There is none where all say so; where one is silent, nobody knows, which is nil.
func workersOf(model cocoon.ModelID, words []map[cocoon.ModelID]uint32) *uint32 {
	none := len(words) > 0
	for _, word := range words {
		n, said := word[model]
		if n > 0 {
			return &n
		}
		none = none && said
	}
	if none {
		return new(uint32)
	}
	return nil
}
