package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// turn is what a load generator is asked to do.
type turn struct {
	URL     string        `json:"url"`
	Key     string        `json:"key"`
	Model   string        `json:"model"`
	Streams int           `json:"streams"` // at a time, each after the other as soon as it has ended
	For     time.Duration `json:"for"`
	Tokens  int           `json:"tokens"` // of an answer
	Pace    time.Duration `json:"pace"`   // between them
	Prompt  int           `json:"prompt"` // bytes
}

// outcome is what came of a turn.
type outcome struct {
	Rate    float64 `json:"rate"`    // answers in a second, until the last had ended
	Tokens  int     `json:"tokens"`  // of all
	Refused int     `json:"refused"` // attempts for which there was no capacity
	TTFT    float64 `json:"ttft_ms"` // median; from the request to the first token
	TTFT99  float64 `json:"ttft_p99_ms"`
	Transit float64 `json:"transit_ms"` // median; from the making of a later token until it was read
	Error   string  `json:"error,omitempty"`
}

// serveLoad does turns over HTTP: a line of JSON each on stdin, and its outcome on stdout.
func serveLoad(ctx context.Context, _ []string) error {
	fmt.Println("{}") // it is up
	return turns(ctx, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1024, DisableCompression: true}})
}

func turns(ctx context.Context, c *http.Client) error {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for ctx.Err() == nil {
		var t turn
		err := in.Decode(&t)
		if errors.Is(err, io.EOF) {
			return nil
		}
		var o outcome
		if err == nil {
			if o, err = t.play(ctx, c); err != nil {
				o.Error, err = err.Error(), nil
			}
			err = out.Encode(o)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// samples are what all streams of a turn saw.
type samples struct {
	mu            sync.Mutex
	ttft, transit []float64 // milliseconds
	made          int       // tokens
	refused       int       // attempts
}

func (t turn) play(ctx context.Context, c *http.Client) (o outcome, err error) {
	var s samples
	var g errgroup.Group
	start := time.Now()
	for i := range t.Streams {
		g.Go(func() error {
			time.Sleep(t.Pace * time.Duration(t.Tokens*i) / time.Duration(t.Streams)) // neither requests nor tokens of different streams come together
			for n := 0; n == 0 || time.Since(start) < t.For; n++ {
				if err := t.ask(ctx, c, fmt.Sprintf("stream %d, request %d", i, n), &s); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err = g.Wait(); err != nil {
		return o, err
	}
	if len(s.transit) == 0 {
		return o, errors.New("answers of one token say nothing of later ones")
	}
	return outcome{Rate: float64(len(s.ttft)) / time.Since(start).Seconds(), Tokens: s.made, Refused: s.refused, TTFT: median(s.ttft), TTFT99: quantile(s.ttft, 0.99), Transit: median(s.transit)}, nil
}

// body is a request like any other, but for the pace.
func (t turn) body(name string) string {
	prompt := name + strings.Repeat(" What becomes of a caterpillar?", t.Prompt/31)
	return fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":%q}],"stream":true,"stream_options":{"include_usage":true},"max_tokens":%d,"pace_us":%d}`,
		t.Model, prompt, t.Tokens, t.Pace.Microseconds())
}

// attempts are as many as OpenAI's clients make of a request that is refused for now.
const attempts = 3

// ask reads one answer. One that is not whole is an error. The time before another
// attempt counts.
func (t turn) ask(ctx context.Context, c *http.Client, name string, s *samples) error {
	asked := time.Now()
	answer, err := t.post(ctx, c, name)
	for i := 1; err == nil && answer.StatusCode == http.StatusServiceUnavailable && i < attempts; i++ {
		_ = answer.Body.Close() // why is said by the last
		s.mu.Lock()
		s.refused++
		s.mu.Unlock()
		wait, _ := strconv.Atoi(answer.Header.Get("Retry-After-Ms")) // none is at once
		time.Sleep(time.Duration(wait) * time.Millisecond)
		answer, err = t.post(ctx, c, name)
	}
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
		return fmt.Errorf("%s: %s", answer.Status, said)
	}
	var one samples
	if err = one.read(bufio.NewReaderSize(answer.Body, 32<<10), asked); err != nil {
		return err
	}
	if one.made != t.Tokens {
		return fmt.Errorf("an answer of %d tokens, not %d", one.made, t.Tokens)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ttft, s.transit, s.made = append(s.ttft, one.ttft...), append(s.transit, one.transit...), s.made+one.made
	return nil
}

func (t turn) post(ctx context.Context, c *http.Client, name string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL+"/chat/completions", strings.NewReader(t.body(name)))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+t.Key)
	r.Header.Set("Content-Type", "application/json")
	return c.Do(r)
}

// read takes an answer's events until its end.
func (s *samples) read(from *bufio.Reader, asked time.Time) error {
	for {
		line, err := from.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("an answer ended after %d tokens: %w", s.made, err)
		}
		if bytes.HasPrefix(line, []byte("data: [DONE]")) {
			_, err = io.Copy(io.Discard, from)
			return err
		}
		_, rest, ok := bytes.Cut(line, []byte(stampMark))
		if !ok {
			continue
		}
		stamp, _, _ := bytes.Cut(rest, []byte(`"`))
		made, err := strconv.ParseInt(string(stamp), 10, 64)
		if err != nil {
			return fmt.Errorf("a token without its time: %s", line)
		}
		now := time.Now()
		if s.made++; s.made == 1 {
			s.ttft = append(s.ttft, now.Sub(asked).Seconds()*1e3)
		} else {
			s.transit = append(s.transit, float64(now.UnixMicro()-made)/1e3)
		}
	}
}
