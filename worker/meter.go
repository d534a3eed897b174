package worker

import (
	"encoding/json"
	"sync"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/protocol/openai"
)

// Why a line was not answered, in the results file.
const (
	codeDeadline = "deadline"
	codeBudget   = "budget_exhausted"
	codeTooLarge = "result_too_large"
)

var failures = map[string]string{
	codeDeadline: "the engine did not answer within the job's work time",
	codeBudget:   "the lines before used up the job's budget",
	codeTooLarge: "the answers together exceed what a result holds",
}

// meter keeps a job within its budget and its result within an envelope.
type meter struct {
	price  cocoon.Price
	budget cocoon.Nano

	mu   sync.Mutex
	used cocoon.Usage
	room int // bytes, with a failure's place kept for every open line
}

// newMeter counts for lines, none of which is answered yet.
func newMeter(price cocoon.Price, budget cocoon.Nano, lines []openai.Result) *meter {
	m := &meter{price: price, budget: budget, room: envelope.MaxPlaintext}
	for _, r := range lines {
		m.room -= failureSize(r)
	}
	return m
}

// failureSize is the most bytes a line takes where it fails.
func failureSize(r openai.Result) int {
	size := 0
	for code, message := range failures {
		r.Error = &openai.Error{Code: code, Message: message}
		size = max(size, lineSize(r))
	}
	return size
}

func lineSize(r openai.Result) int {
	raw, err := json.Marshal(r)
	if err != nil {
		return envelope.MaxPlaintext // cannot be written: fits nowhere
	}
	return len(raw) + 1
}

// exhausted reports whether what succeeded so far costs all there is.
func (m *meter) exhausted() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	cost, err := m.price.Cost(m.used)
	return err != nil || cost.Cmp(m.budget) >= 0
}

func (m *meter) fail(r *openai.Result, code string) {
	r.Response, r.Error = nil, &openai.Error{Code: code, Message: failures[code]}
}

// take enters an answer, or a failure where the result would grow too large.
func (m *meter) take(r *openai.Result, answer openai.Response) {
	whole := *r
	whole.Response = &answer
	m.mu.Lock()
	defer m.mu.Unlock()
	extra := lineSize(whole) - failureSize(*r)
	if extra > m.room {
		m.fail(r, codeTooLarge)
		return
	}
	m.room -= max(extra, 0)
	*r = whole
	m.used = m.used.Add(r.Usage())
}
