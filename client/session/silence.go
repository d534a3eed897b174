package session

import (
	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// remembered is how long a receipt may come after nobody waits for it any more.
const remembered = stream.MaxRoute

// resume asks for the frames from the first that is missing on.
func (a *answer) resume() {
	if !a.finished || a.final != nil {
		a.tell(stream.ResumeVerb, stream.Resume{Request: a.id, Seq: a.seq()})
	}
}

// quiet is called when nothing came for too long.
func (a *answer) quiet() {
	gone, _ := a.s.Err()
	switch {
	case a.late:
		a.silence = 0 // nobody can claim it any more
	case a.final != nil:
		raw := a.final
		a.final, a.finished = nil, true // what is missing does not come
		a.out.end(lost("the end of the answer did not come"))
		if err := a.onFinal(raw); err != nil {
			a.s.log.Warn("receipt refused", "request", a.id, "error", err)
		}
	case a.finished:
		a.await()
	case a.asked || gone != nil:
		a.tell(stream.CancelVerb, stream.Cancel{Request: a.id, Seq: a.seq()})
		if !a.attempt.begun {
			a.drop("the dispatcher does not answer")
			return
		}
		a.finish(lost("nothing comes of the answer any more"))
		if gone != nil { // nor does a bill
			a.silence = min(a.silence, lostPatience)
		}
	default:
		a.asked = true
		a.resume()
	}
}

// await leaves the receipt to come when it may. Until then the bill is what came
// of the answer, at its price.
func (a *answer) await() {
	u := cocoon.Usage{Completion: a.attempt.live}
	if a.attempt.usage != nil {
		u = *a.attempt.usage
	}
	cost, err := a.set.price().Cost(u)
	if err != nil {
		a.s.log.Warn("bill not known", "request", a.id, "error", err)
	}
	a.charge(u, cost)
	a.settle()
	a.late, a.silence = true, remembered
	if a.attempt.number == 0 {
		if err = a.agree(cocoon.Usage{}, cocoon.Nano{}, false); err != nil { // nobody said that it was taken
			a.s.log.Warn("request not ended", "request", a.id, "error", err)
		}
	}
}
