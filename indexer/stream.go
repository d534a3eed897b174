package indexer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/cocoon-network/cocoon"
)

// streamInput says where a stream goes on.
type streamInput struct {
	LastEventID string `header:"Last-Event-ID" maxLength:"20" doc:"seq of the last event received; browsers send it when they connect again"`
	From        string `query:"from" maxLength:"20" doc:"the same for a first connection; 0 is the beginning, without it only what is new is sent"`
}

const (
	heartbeat   = 15 * time.Second // between signs of life on a silent stream
	patience    = 10 * time.Second // with a client that does not read
	streamBatch = 100              // events held for a client at a time
)

// after is the seq after which the stream begins. The header, which knows what
// has arrived, outranks the query that the connection was made with.
func (in *streamInput) after(newest uint64) (uint64, error) {
	text := in.LastEventID
	if text == "" {
		text = in.From
	}
	if text == "" {
		return newest, nil
	}
	seq, err := strconv.ParseUint(text, 10, 62)
	if err != nil {
		return 0, cocoon.Invalid.Errorf("%q is not the seq of an event", text)
	}
	if seq > newest {
		return 0, cocoon.WithHint(cocoon.Conflict.Errorf("the log ends with event %d, before event %d", newest, seq), "it is another log, or one that is being read anew; begin at 0")
	}
	return seq, nil
}

func (a *api) routeStream() {
	op := operation("/v1/stream", "The log as server-sent events, whose ids are seqs")
	op.Responses = map[string]*huma.Response{"200": {Description: "a market event as the data of each; comments in between are signs of life",
		Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}}}}
	huma.Register(a.huma, op, func(ctx context.Context, in *streamInput) (*huma.StreamResponse, error) {
		newest, err := a.newest(ctx)
		if err != nil {
			return nil, a.problem(op.Path, err)
		}
		after, err := in.after(newest)
		if err != nil {
			return nil, a.problem(op.Path, err)
		}
		return &huma.StreamResponse{Body: func(h huma.Context) {
			r, w := humago.Unwrap(h)
			s := stream{Indexer: a.Indexer, w: w, control: http.NewResponseController(w), heartbeat: heartbeat}
			if err := s.run(r.Context(), after); r.Context().Err() == nil {
				a.log.Info("stream ended", "from", r.RemoteAddr, "err", err)
			}
		}}, nil
	})
}

// stream is one client's view of the log.
type stream struct {
	*Indexer
	w         http.ResponseWriter
	control   *http.ResponseController
	heartbeat time.Duration
}

// run sends all events after seq until ctx ends or the client stops reading; the
// error says which.
func (s *stream) run(ctx context.Context, after uint64) error {
	s.w.Header().Set("Content-Type", "text/event-stream")
	s.w.Header().Set("Cache-Control", "no-store")
	s.w.Header().Set("X-Accel-Buffering", "no") // proxies would hold events back
	if err := s.send("retry: 1000\n\n"); err != nil {
		return err
	}
	for {
		events, err := s.Events(ctx, after, streamBatch)
		if err != nil {
			return err
		}
		frames := ""
		for _, e := range events {
			data, err := json.Marshal(e)
			if err != nil {
				return err
			}
			frames += fmt.Sprintf("id: %d\ndata: %s\n\n", e.Seq, data)
			after = e.Seq
		}
		if len(events) == 0 {
			frames, err = s.wait(ctx, after)
		}
		if err != nil {
			return err
		}
		if err = s.send(frames); err != nil {
			return err
		}
	}
}

// wait returns when there is something to send: nothing yet where an event came,
// a comment where none did for a while.
func (s *stream) wait(ctx context.Context, after uint64) (string, error) {
	silent, cancel := context.WithTimeout(ctx, s.heartbeat)
	defer cancel()
	err := s.Wait(silent, after)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return ": alive\n\n", nil
	}
	return "", err
}

// send writes and flushes, and gives up on a client that does not read.
func (s *stream) send(text string) error {
	if text == "" {
		return nil
	}
	if err := s.control.SetWriteDeadline(time.Now().Add(patience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := io.WriteString(s.w, text); err != nil {
		return err
	}
	return s.control.Flush()
}
