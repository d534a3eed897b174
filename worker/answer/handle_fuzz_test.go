package answer_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/worker/answer"
)

// FuzzHandle gives a service any bytes for any verb: it answers at most once and stays up.
func FuzzHandle(f *testing.F) {
	w := newWorld(f).start()
	w.engineIs(tokens(1, true, nil))
	r := w.newRequest(stream.Chat, chat(""))
	verbs := answer.Verbs()
	for i, m := range [][]byte{r.Bytes(), stream.Part{Request: r.Route.Request, Index: 1, Data: []byte{1}}.Bytes(), stream.Slice{Request: r.Route.Request, Tokens: 9}.Bytes(),
		stream.Cancel{Request: r.Route.Request}.Bytes(), stream.Resume{Request: r.Route.Request, Node: node}.Bytes(),
		stream.Ack{Rewards: w.d.rewards, Boot: w.s.Boot(), Number: 1, Earned: w.earned(w.d, 3, 1)}.Bytes()} {
		f.Add(uint8(i), m)
	}
	f.Fuzz(func(t *testing.T, verb uint8, raw []byte) {
		v := verbs[int(verb)%len(verbs)]
		answers := make(chan []byte, 2)
		w.s.Handle(v, raw, func(answer []byte) { answers <- answer })
		if v != stream.OrderVerb {
			return
		}
		got := <-answers
		require.Contains(t, []string{"took", "fail"}, stream.KindOf(got))
		if f, err := stream.ParseFail(got); err == nil {
			require.NotEmpty(t, f.Code.String())
		}
	})
}
