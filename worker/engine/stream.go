package engine

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// stream sends whole as server-sent events, a token each, and its usage where
// it was asked for. event makes the choice that carries one piece.
func stream(w http.ResponseWriter, s sampling, whole completion, answers []answer, object string,
	event func(index, position int, piece string) choice) {
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	chunk := whole
	chunk.Object, chunk.Usage = object, nil
	for i, a := range answers {
		for p, piece := range a.pieces {
			c := event(i, p, piece)
			if p == len(a.pieces)-1 {
				c.Reason = &a.reason
			}
			chunk.Choices = []choice{c}
			send(w, out, chunk)
		}
	}
	if s.StreamOpts.IncludeUsage {
		chunk.Choices, chunk.Usage = []choice{}, whole.Usage
		send(w, out, chunk)
	}
	_, _ = fmt.Fprint(w, "data: [DONE]\n\n") // fails only where the caller has gone
}

func send(w http.ResponseWriter, out *http.ResponseController, chunk completion) {
	raw, err := json.Marshal(chunk)
	if err != nil {
		panic(err) // a struct of texts and numbers
	}
	_, _ = fmt.Fprintf(w, "data: %s\n\n", raw)
	_ = out.Flush() // a writer that cannot is a buffer, and flushes at the end
}
