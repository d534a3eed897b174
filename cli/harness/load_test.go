package harness

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// load are applications that ask a daemon for as long as they are let.
type load struct {
	app  *app
	url  atomic.Pointer[string]
	http *http.Client

	mu    sync.Mutex
	count map[string]int // what became of requests
}

func newLoad(a *app) *load {
	return &load{app: a, count: map[string]int{}, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 512}}}
}

func (l *load) tally(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count[what]++
}

func (l *load) of(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count[what]
}

// run asks n at a time until ctx ends.
func (l *load) run(ctx context.Context, n int, seed uint64) *sync.WaitGroup {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			for ctx.Err() == nil {
				what := l.ask(ctx, newAsk(random))
				l.tally(what)
				if what != "whole" && what != "cancelled" {
					rest(ctx, 100*time.Millisecond) // the daemon, or its dispatcher, is down
				}
			}
		})
	}
	return &all
}

func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// ask is one question.
type ask struct {
	words, tokens int
	stream        bool
	cancel        time.Duration // after which the application goes away; 0 never
	key           string        // by which it is asked again
}

func newAsk(r *rand.Rand) ask {
	a := ask{words: 5 + r.IntN(60), tokens: 1 + r.IntN(120), stream: r.IntN(3) > 0}
	switch n := r.IntN(40); {
	case n == 0:
		a.words = 28_000 // comes in parts
	case n == 1:
		a.tokens = 700 // is covered slice by slice
	case n < 5:
		a.cancel = time.Duration(1+r.IntN(20)) * time.Millisecond // while it is read
	case n < 9:
		a.cancel = time.Duration(20+r.IntN(200)) * time.Millisecond
	case n < 12:
		a.key = fmt.Sprintf("%016x", r.Uint64())
	}
	return a
}

const secretWord = "zebrafinch" // that no other party may read

// ask asks, and says what became of it.
func (l *load) ask(ctx context.Context, a ask) string {
	if a.cancel > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, a.cancel)
		defer cancel()
	}
	what, first := l.post(ctx, a)
	if a.key == "" || what != "whole" {
		return what
	}
	if again, second := l.post(ctx, a); again == "whole" && !a.stream && second != first { // the same, and not billed again
		return "another answer by the same key"
	}
	return what
}

func (l *load) post(ctx context.Context, a ask) (what, id string) {
	url := l.url.Load()
	if url == nil {
		return "no daemon", ""
	}
	body, err := json.Marshal(map[string]any{"model": model, "stream": a.stream, "max_tokens": a.tokens,
		"messages": []map[string]string{{"role": "user", "content": strings.Repeat(secretWord+" ", a.words)}}})
	if err != nil {
		return err.Error(), ""
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, *url+"/chat/completions", bytes.NewReader(body))
	if err != nil {
		return err.Error(), ""
	}
	r.Header.Set("Authorization", "Bearer "+l.app.secret)
	r.Header.Set("Content-Type", "application/json")
	if a.key != "" {
		r.Header.Set("Idempotency-Key", a.key)
	}
	answer, err := l.http.Do(r)
	if err != nil {
		return gone(ctx), ""
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return refusedWith(answer), ""
	}
	if !a.stream {
		var whole struct{ ID string }
		if json.NewDecoder(answer.Body).Decode(&whole) != nil {
			return gone(ctx), ""
		}
		return "whole", whole.ID
	}
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		switch data, _ := strings.CutPrefix(lines.Text(), "data: "); {
		case data == "[DONE]":
			return "whole", ""
		case strings.HasPrefix(data, `{"error"`):
			return "cut: " + codeOf([]byte(data)), ""
		}
	}
	return gone(ctx), ""
}

func gone(ctx context.Context) string {
	if ctx.Err() != nil {
		return "cancelled"
	}
	return "no daemon"
}

func refusedWith(answer *http.Response) string {
	body, _ := io.ReadAll(answer.Body) // what came says enough
	return fmt.Sprintf("%d: %s", answer.StatusCode, codeOf(body))
}

func codeOf(body []byte) string {
	var e struct {
		Error struct{ Code, Message string } `json:"error"`
	}
	if json.Unmarshal(body, &e) != nil {
		return "?"
	}
	return e.Error.Code
}
