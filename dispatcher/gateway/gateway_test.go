package gateway

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"math"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bound"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

func TestGateway_CarriesAnAnswerAndItsBill(t *testing.T) {
	t.Parallel()
	w := newTown(t, DefaultConfig(), answers)
	id := w.ask(1000)
	took, err := stream.ParseTook(w.next("took"))
	require.NoError(t, err)
	o, err := stream.NewOpener(stream.Secret{}, id, took.Attempt, took.Nonce)
	require.NoError(t, err)
	var frames []byte
	for i, want := range []string{"one", "two"} {
		frame := w.next("frame")
		frames = append(frames, frame...)
		text, h, err := o.Open(frame)
		require.NoError(t, err)
		require.Equal(t, want, string(text))
		require.Equal(t, i == 1, h.Final)
	}
	final, err := stream.ParseFinal(w.next("final"))
	require.NoError(t, err)
	u, err := receipt.ParseUsage(final.Receipt)
	require.NoError(t, err)
	require.Equal(t, sha256.Sum256(frames), u.Content.Frames)
	w.idle()
	require.Equal(t, 1, w.purse.charged)
}

func TestGateway_AWorkersWordMayComeWithItsFirstFrame(t *testing.T) {
	t.Parallel()
	w := newTown(t, DefaultConfig(), func(a *work) {
		a.tookWith("one", 1, false)
		a.say(a.o.Attempt) // once is enough
		a.frame("two", 2, true)
		a.bill(stream.Finished, 2)
	})
	id := w.ask(100)
	took, err := stream.ParseTook(w.next("took"))
	require.NoError(t, err)
	o, err := stream.NewOpener(stream.Secret{}, id, took.Attempt, took.Nonce)
	require.NoError(t, err)
	for _, want := range []string{"one", "two"} {
		text, _, err := o.Open(w.next("frame"))
		require.NoError(t, err)
		require.Equal(t, want, string(text))
	}
	w.next("final")
	w.idle()
}

func TestGateway_ABillMayComeWithFrames(t *testing.T) {
	t.Parallel()
	unbilled := make(chan *work, 1)
	w := newTown(t, DefaultConfig(), func(a *work) {
		a.took()
		select {
		case first := <-unbilled:
			f := mustParse(a.sealer.Seal([]byte("two"), 2, true))
			one, two := first.written(stream.Finished, cocoon.Usage{Completion: 1}), a.written(stream.Finished, cocoon.Usage{Completion: 2})
			a.publish(stream.FrameVerb, f, one.Bytes(), two.Bytes())
		default:
			f := mustParse(a.sealer.Seal([]byte("one"), 1, true))
			unbilled <- a // before the second request is asked
			a.publish(stream.FrameVerb, f)
		}
	})
	w.ask(100)
	w.next("took")
	w.next("frame")
	w.ask(100)
	w.next("took")
	w.next("frame")
	w.final()
	w.final()
	w.idle()
	require.Equal(t, 2, w.purse.charged)
}

func TestGateway_AWordForAnotherAttemptIsNone(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.Took = 50 * time.Millisecond
	ordered := make(chan *work, 1)
	liar := func(a *work) {
		a.say(a.o.Attempt + 1)
		ordered <- a
	}
	second := func(a *work) {
		first := <-ordered
		first.say(1)           // its time is over
		first.say(a.o.Attempt) // that is not its attempt
		answers(a)
	}
	w := newTown(t, cfg, liar, second)
	w.ask(100)
	took, err := stream.ParseTook(w.next("took"))
	require.NoError(t, err)
	require.EqualValues(t, 1, took.Candidate)
	require.EqualValues(t, 2, took.Attempt)
	w.next("frame")
	w.next("frame")
	w.next("final")
	w.idle()
}

func TestGateway_LongBodiesComeInParts(t *testing.T) {
	t.Parallel()
	w := newTown(t, DefaultConfig(), answers)
	w.ask(3*stream.MaxPart + 5)
	w.next("took")
	for _, n := range []int{stream.MaxPart, stream.MaxPart, 5} {
		require.Len(t, <-w.workers[0].parts, n)
	}
	w.next("frame")
	w.next("frame")
	w.next("final")
	w.idle()
}

func TestGateway_AsksTheNextCandidateWithTheSameCiphertext(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.FirstToken = 50 * time.Millisecond
	silent := func(*work) {}
	slow := func(a *work) { a.took() }
	w := newTown(t, cfg, silent, slow, busy, answers)
	w.ask(100)
	second, err := stream.ParseTook(w.next("took"))
	require.NoError(t, err)
	require.EqualValues(t, 1, second.Candidate)
	last, err := stream.ParseTook(w.next("took"))
	require.NoError(t, err)
	require.EqualValues(t, 3, last.Candidate)
	require.EqualValues(t, 4, last.Attempt)
	<-w.workers[1].cancels // the slow one was told
	w.next("frame")
	w.next("frame")
	w.next("final")
	w.idle()
}

func TestGateway_FramesOfAnAttemptThatIsOverDoNotPass(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.FirstToken = 50 * time.Millisecond
	late := make(chan *work, 1)
	w := newTown(t, cfg, func(a *work) { a.took(); late <- a }, func(a *work) {
		a.took()
		old := <-late
		old.frame("old", 1, false)
		a.frame("new", 1, true)
		old.bill(stream.Cancelled, 1)
		a.bill(stream.Finished, 1)
	})
	w.ask(100)
	w.next("took")
	w.next("took")
	h, err := stream.ParseFrameHeader(w.next("frame"))
	require.NoError(t, err)
	require.EqualValues(t, 2, h.Attempt)
	w.next("final")
	w.idle()
	require.Eventually(t, func() bool { w.purse.mu.Lock(); defer w.purse.mu.Unlock(); return len(w.purse.bills) == 2 }, 10*time.Second, time.Millisecond)
	require.Equal(t, 1, w.purse.charged, "the client pays one attempt")
}

func TestGateway_NobodyFreeIsNoCapacity(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.Queue = 100 * time.Millisecond
	w := newTown(t, cfg, busy, busy)
	w.ask(100)
	f := w.failure(stream.NoCapacity)
	require.Positive(t, f.Wait)
	require.Contains(t, f.Text, "no slot is free", "what they say is told")
	w.idle()
}

// Or who has one worker would be told for a while that there is none.
func TestGateway_WhoIsBusyHasNotFailed(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.Queue, cfg.Took = time.Second, 50*time.Millisecond
	var asked atomic.Int32
	w := newTown(t, cfg, func(*work) {}, func(a *work) {
		asked.Add(1)
		busy(a)
	})
	w.ask(100)
	w.fails(stream.NoCapacity)
	w.idle()
	w.mu.Lock()
	defer w.mu.Unlock()
	require.Equal(t, [][32]byte{w.workers[0].Worker}, w.failed, "the silent one alone")
	require.LessOrEqual(t, asked.Load(), int32(6), "it is asked more and more rarely")
	require.Greater(t, asked.Load(), int32(1))
}

func TestGateway_AWorkerIsAskedNoMoreOftenThanAttemptsHaveNumbers(t *testing.T) {
	t.Parallel()
	assigned := 0
	r := &request{}
	for range 2 * math.MaxUint8 {
		n, err := r.next(0, nil, func(number uint8) error { assigned++; require.EqualValues(t, assigned, number); return nil })
		require.Equal(t, n == 0, err != nil)
	}
	require.Equal(t, math.MaxUint8, assigned)
}

func TestGateway_AWorkerThatFallsSilentIsLost(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.Silence = 50 * time.Millisecond
	w := newTown(t, cfg, func(a *work) { a.took(); a.frame("one", 1, false) }, answers)
	w.ask(100)
	w.next("took")
	w.next("frame")
	w.fails(stream.WorkerLost)
	w.idle()
}

func TestGateway_CoversMoreAtHalfOfASlice(t *testing.T) {
	t.Parallel()
	w := newTown(t, DefaultConfig(), func(a *work) {
		a.took()
		require.EqualValues(a.town.t, bound.Slice, a.o.Slice) //nolint:testifylint // it ends this worker only
		a.frame("half", bound.Slice/2, false)
		<-a.slices
		a.frame("more", bound.Slice+bound.Slice/2, false)
		<-a.slices
		a.frame("end", 2*bound.Slice, true)
		a.bill(stream.Finished, 2*bound.Slice)
	})
	w.ask(100)
	w.next("took")
	for range 3 {
		w.next("frame")
	}
	w.next("final")
	w.idle()
}

func TestGateway_AsksForMoreCoverAndGoesOn(t *testing.T) {
	t.Parallel()
	w := newTown(t, DefaultConfig(), func(a *work) {
		a.took()
		a.frame("half", bound.Slice/2, false)
		a.frame("more", bound.Slice/2+16, false)
		<-a.slices
		a.frame("end", bound.Slice+16, true)
		a.bill(stream.Finished, bound.Slice)
	})
	w.purse.free = 100 + bound.Slice
	id := w.ask(100)
	w.next("took")
	seen := map[string]int{}
	for range 3 {
		m := <-w.events
		seen[stream.KindOf(m)]++
		if want, err := stream.ParseWant(m); err == nil {
			require.Equal(t, nano(bound.Slice), want.Need)
		}
	}
	require.Equal(t, map[string]int{"frame": 2, "want": 1}, seen, "it is asked for once")
	require.NoError(t, w.conn.Publish(stream.ToNode("main", w.key, stream.MoreVerb), stream.More{Request: id, Cover: voucher.Signed{}}.Bytes()))
	w.next("frame")
	w.next("final")
	w.idle()
}

// A daemon whose connection was lost says hello anew, while its answers go on.
func TestGateway_AnAnswerIsCoveredOnInTheNextSession(t *testing.T) {
	t.Parallel()
	lost := make(chan struct{})
	w := newTown(t, DefaultConfig(), func(a *work) {
		a.took()
		<-lost
		a.frame("half", bound.Slice/2, false)
		a.frame("more", bound.Slice/2+16, false)
		<-a.slices
		a.frame("end", bound.Slice+16, true)
		a.bill(stream.Finished, bound.Slice)
	})
	w.purse.free = 100 + bound.Slice
	id := w.ask(100)
	w.next("took")
	_, err := w.conn.Request(stream.ToNode(stream.Home, w.key, stream.HelloVerb), stream.Hello{Session: 6}.Sign(sessionOf(cocoon.Account{1})).Bytes(), 5*time.Second)
	require.NoError(t, err)
	close(lost)
	for seen := 0; seen < 3; seen++ { // two frames, and what more is wanted
		<-w.events
	}
	require.NoError(t, w.conn.Publish(stream.ToNode("main", w.key, stream.MoreVerb), stream.More{Request: id, Cover: voucher.Signed{}}.Bytes()))
	w.next("frame")
	w.next("final")
	w.idle()
}

func TestGateway_WhatIsNotCoveredIsNotBegun(t *testing.T) {
	t.Parallel()
	w := newTown(t, DefaultConfig(), answers)
	w.purse.free = 10
	w.ask(100)
	require.Equal(t, nano(100+bound.Slice), w.failure(stream.NeedCover).Need)
	w.idle()
}

func TestGateway_ACancelReachesTheWorkerAndIsBilled(t *testing.T) {
	t.Parallel()
	w := newTown(t, DefaultConfig(), func(a *work) {
		a.took()
		a.frame("one", 1, false)
		<-a.cancels
		a.frame("", 1, true)
		a.bill(stream.Cancelled, 1)
	})
	id := w.ask(100)
	w.next("took")
	w.next("frame")
	stranger := stream.ToNode("main", [32]byte{2}, stream.CancelVerb)
	require.NoError(t, w.conn.Publish(stranger, stream.Cancel{Request: id}.Bytes()))
	require.NoError(t, w.conn.Flush())
	require.Empty(t, w.workers[0].cancels, "a request is its daemon's")
	require.NoError(t, w.conn.Publish(stream.ToNode("main", w.key, stream.CancelVerb), stream.Cancel{Request: id, Seq: 1}.Bytes()))
	w.next("frame")
	final, err := stream.ParseFinal(w.next("final"))
	require.NoError(t, err)
	require.EqualValues(t, stream.Cancelled, mustParse(receipt.ParseUsage(final.Receipt)).Content.Reason)
	w.idle()
}

func TestGateway_ALeaseIsForOneRequestOfItsDaemon(t *testing.T) {
	t.Parallel()
	w := newTown(t, DefaultConfig(), answers)
	w.ask(100, func(s *stream.Start) { s.Pay.Lease++ })
	w.fails(stream.LeaseGone)
	w.ask(100, func(s *stream.Start) { s.Wraps = s.Wraps[:0] })
	w.fails(stream.LeaseGone)
	w.ask(100, func(s *stream.Start) { s.Route.Model[0]++ })
	w.fails(stream.LeaseGone)
	var used uint64
	w.ask(100, func(s *stream.Start) { used = s.Pay.Lease })
	for _, kind := range []string{"took", "frame", "frame", "final"} {
		w.next(kind)
	}
	w.ask(100, func(s *stream.Start) { s.Pay.Lease = used })
	w.fails(stream.LeaseGone)
	w.idle()
}

func TestGateway_AForgedReceiptIsNotBooked(t *testing.T) {
	t.Parallel()
	w := newTown(t, DefaultConfig(), func(a *work) {
		a.took()
		a.frame("one", 1, true)
		a.forge(1000)
		a.bill(stream.Finished, 1)
	})
	w.ask(100)
	w.next("took")
	w.next("frame")
	final, err := stream.ParseFinal(w.next("final"))
	require.NoError(t, err)
	require.EqualValues(t, 1, mustParse(receipt.ParseUsage(final.Receipt)).Content.Usage.Completion)
	w.idle()
	require.Len(t, w.purse.bills, 1)
}

func TestGateway_ANewRunHearsOfTheBookAndAgainAsTheChainsTimePasses(t *testing.T) {
	t.Parallel()
	w := newTown(t, DefaultConfig(), answers)
	require.Equal(t, "book", string(<-w.workers[0].books))
	w.purse.mu.Lock()
	w.purse.ahead = DefaultConfig().Book // a local chain's time may jump, and its books are old then
	w.purse.mu.Unlock()
	require.Equal(t, "book", string(<-w.workers[0].books))
}

func TestGateway_ABillWhoseFramesWereLostIsJudgedOnceTheyCame(t *testing.T) {
	t.Parallel()
	w := newTown(t, DefaultConfig(), func(a *work) {
		a.took()
		lost := [][]byte{mustParse(a.sealer.Seal([]byte("one"), 1, false)), mustParse(a.sealer.Seal([]byte("two"), 2, true))}
		bill := a.bill(stream.Finished, 2)
		resume := <-a.resumes
		for _, frame := range lost[resume.Seq:] {
			_ = a.town.conn.Publish(stream.FromWorker("main", a.Worker, stream.FrameVerb), frame)
		}
		_ = a.town.conn.Publish(stream.FromWorker("main", a.Worker, stream.ReceiptVerb), bill.Bytes()) // it was not acknowledged
	})
	w.ask(100)
	w.next("took")
	w.next("frame")
	w.next("frame")
	w.next("final")
	w.idle()
	require.Equal(t, 1, w.purse.charged)
	require.Len(t, w.purse.bills, 1)
}

func TestGateway_ANewRunHearsOfTheBookAndOfWhatItsProviderWasPromised(t *testing.T) {
	t.Parallel()
	w := newTown(t, DefaultConfig(), answers)
	require.Equal(t, "book", string(<-w.workers[0].books))
	a := <-w.workers[0].acks
	require.Zero(t, a.Number, "it has sent nothing yet")
	e, err := receipt.ParseEarned(a.Earned)
	require.NoError(t, err)
	require.Equal(t, w.workers[0].Provider, e.Provider)
}

func TestGateway_AsksNobodyThatTheDaemonDoesNotTrust(t *testing.T) {
	t.Parallel()
	asked := make(chan byte, 3)
	named := func(do func(*work)) func(*work) {
		return func(a *work) {
			asked <- a.Provider[0]
			do(a)
		}
	}
	w := newTown(t, DefaultConfig(), named(answers), named(answers))
	w.ask(100, func(s *stream.Start) { s.Wraps[0] = nil })
	w.next("took")
	w.next("frame")
	w.next("frame")
	w.next("final")
	w.idle()
	require.EqualValues(t, 2, <-asked)
	require.Empty(t, asked)
}

func TestGateway_AWorkerThatRefusesThePromptsEndLeavesItToTheNext(t *testing.T) {
	t.Parallel()
	refuses := func(a *work) {
		a.refusesParts = true
		a.took()
	}
	w := newTown(t, DefaultConfig(), refuses, answers)
	w.ask(stream.MaxPart + 5)
	w.next("took")
	second, err := stream.ParseTook(w.next("took"))
	require.NoError(t, err)
	require.EqualValues(t, 1, second.Candidate)
	w.next("frame")
	w.next("frame")
	w.next("final")
	w.idle()
}

func TestGateway_WhatTheProcessBeforeWasAmidIsBilledOrReleased(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.Earned, cfg.Left = 10*time.Millisecond, 200*time.Millisecond
	w := newTown(t, cfg, answers, busy)
	began, waits, dead := stream.NewRequestID(), stream.NewRequestID(), stream.NewRequestID()
	by := func(i int) Run { return Run{w.workers[i].Worker, w.workers[i].Boot} }
	for id, run := range map[stream.RequestID]Run{began: by(0), waits: {}, dead: by(1)} {
		w.purse.open[id] = &opened{attempt: 1, worker: run.Worker}
		w.purse.left = append(w.purse.left, Left{id, run})
	}
	next, err := Open(cfg, w.conn, w.purse, w, time.Now, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { next.Run(ctx, ctx); close(done) }()
	defer func() { cancel(); <-done }()
	require.Equal(t, began, (<-w.workers[0].cancels).Request, "a worker is told to bill what it did")
	a := &work{worker: w.workers[0], o: stream.Order{Attempt: 1, Route: stream.Route{Request: began}, Rewards: cocoon.Account{9}, Price: prices(1)}}
	a.sealer = mustParse(stream.NewSealer(stream.Secret{}, began, 1, a.nonce))
	a.bill(stream.Cancelled, 7)
	final, err := stream.ParseFinal(w.next("final"))
	require.NoError(t, err)
	require.Equal(t, began, final.Request, "and its client answers the bill")
	require.Eventually(t, func() bool { return w.purse.reserved() == 0 }, 10*time.Second, 5*time.Millisecond, "what has no bill is set aside for no longer")
	require.Equal(t, 1, w.purse.charged)
}

// fails is a worker whose engine refuses before the first token.
func fails(a *work) {
	a.took()
	a.frame("a role, and no token", 0, false)
	a.frame("", 0, true)
	a.billOver(stream.Failed, cocoon.Usage{})
}

func TestGateway_AnEngineThatFailsBeforeTheFirstTokenLeavesItToTheNext(t *testing.T) {
	t.Parallel()
	lost := func(a *work) { // its frames, that is
		a.took()
		a.billOver(stream.Failed, cocoon.Usage{})
	}
	w := newTown(t, DefaultConfig(), fails, lost, answers)
	w.ask(100)
	for range w.workers {
		w.behindFrames("took")
	}
	final, err := stream.ParseFinal(w.behindFrames("final"))
	require.NoError(t, err)
	require.EqualValues(t, 3, mustParse(receipt.ParseUsage(final.Receipt)).Content.Attempt)
	w.idle()
	require.Equal(t, 1, w.purse.charged, "who failed has no place in the books")
	for _, k := range w.workers[:2] {
		require.EqualValues(t, 1, w.acked(k), "and need not show its bill again")
	}
}

func TestGateway_WaitsForWhoIsBusyAndAsksWhoFailedNoMore(t *testing.T) {
	t.Parallel()
	var asked, waits atomic.Int32
	w := newTown(t, DefaultConfig(), func(a *work) {
		asked.Add(1)
		fails(a)
	}, func(a *work) {
		if waits.Add(1) < 4 {
			busy(a)
			return
		}
		answers(a)
	})
	w.ask(100)
	w.next("took")
	w.behindFrames("took")
	w.behindFrames("final")
	w.idle()
	require.EqualValues(t, 1, asked.Load())
}

func TestGateway_WhereAllEnginesFailThereIsNoCapacity(t *testing.T) {
	t.Parallel()
	w := newTown(t, DefaultConfig(), fails, fails)
	w.ask(100)
	w.next("took")
	w.behindFrames("took")
	f, err := stream.ParseFail(w.behindFrames("fail"))
	require.NoError(t, err)
	require.Equal(t, stream.NoCapacity, f.Code, f.Text)
	require.Positive(t, f.Wait)
	w.idle()
	require.Zero(t, w.purse.charged)
	for _, k := range w.workers {
		require.EqualValues(t, 1, w.acked(k))
	}
}

func TestGateway_WhatAnEngineRefusesIsTheClientsToRead(t *testing.T) {
	t.Parallel()
	w := newTown(t, DefaultConfig(), func(a *work) {
		a.took()
		a.frame(`{"error":{"code":400}}`, 0, true)
		a.billOver(stream.Refused, cocoon.Usage{})
	}, answers)
	w.ask(100)
	w.next("took")
	w.next("frame")
	w.next("final")
	w.idle()
	require.Zero(t, w.workers[1].number, "nobody else was asked")
}

func TestGateway_AnEngineThatFailsAfterTheFirstTokenEndsTheAnswer(t *testing.T) {
	t.Parallel()
	w := newTown(t, DefaultConfig(), func(a *work) {
		a.took()
		a.frame("one", 1, false)
		a.frame("", 1, true)
		a.bill(stream.Failed, 1)
	}, answers)
	w.ask(100)
	for _, kind := range []string{"took", "frame", "frame", "final"} {
		w.next(kind)
	}
	w.idle()
}

// patient is a gateway that gives nobody up for silence.
func patient() Config {
	cfg := DefaultConfig()
	cfg.FirstToken, cfg.Silence, cfg.Grace = time.Minute, time.Minute, 300*time.Millisecond
	return cfg
}

func TestGateway_AWorkerThatIsGoneBeforeTheFirstTokenIsReplacedAtOnce(t *testing.T) {
	t.Parallel()
	w := newTown(t, patient(), func(a *work) {
		a.took()
		a.frame("a role", 0, false)
	}, answers)
	w.ask(100)
	w.next("took")
	w.next("frame")
	w.gateway.Lost(w.workers[1].Worker) // which has nothing yet
	w.gateway.Lost(w.workers[0].Worker)
	second, err := stream.ParseTook(w.next("took"))
	require.NoError(t, err)
	require.EqualValues(t, 1, second.Candidate)
	w.next("frame")
	w.next("frame")
	w.next("final")
	w.idle()
}

func TestGateway_AWorkerThatIsGoneBeforeItHasAllOfThePromptIsReplacedAtOnce(t *testing.T) {
	t.Parallel()
	w := newTown(t, patient(), func(a *work) { a.took() }, answers)
	w.gateway.cfg.Parts = time.Minute
	w.workers[0].ignoresParts = true
	w.ask(stream.MaxPart + 5)
	w.next("took")
	<-w.workers[0].parts
	w.gateway.Lost(w.workers[0].Worker)
	w.next("took")
	w.next("frame")
	w.next("frame")
	w.next("final")
	w.idle()
}

func TestGateway_AWorkerThatIsGoneAmidAnAnswerIsLostUnlessItComesBack(t *testing.T) {
	t.Parallel()
	w := newTown(t, patient(), func(a *work) {
		a.took()
		a.frame("one", 1, false)
	}, answers)
	w.ask(100)
	w.next("took")
	w.next("frame")
	w.workers[0].leave()
	w.gateway.Lost(w.workers[0].Worker)
	w.fails(stream.WorkerLost)
	w.idle()
}

func TestGateway_AWorkerThatComesBackGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	w := newTown(t, patient(), func(a *work) {
		a.took()
		a.frame("one", 1, false)
		lost := mustParse(a.sealer.Seal([]byte("two"), 2, true))
		resume := <-a.resumes
		require.EqualValues(a.town.t, 1, resume.Seq) //nolint:testifylint // it ends this worker only
		_ = a.town.conn.Publish(stream.FromWorker(resume.Node, a.Worker, stream.FrameVerb), lost)
		a.bill(stream.Finished, 2)
	})
	w.ask(100)
	w.next("took")
	w.next("frame")
	w.gateway.Lost(w.workers[0].Worker)
	w.next("frame")
	w.next("final")
	w.idle()
}

// A daemon asks for what is missing of a request that the process before this one
// had, or for one that is over: nobody can pass that on.
func TestGateway_WhatItDoesNotKnowIsLostAtOnce(t *testing.T) {
	t.Parallel()
	w := newTown(t, DefaultConfig(), func(a *work) {
		a.took()
		resume := <-a.resumes
		require.Zero(a.town.t, resume.Seq) //nolint:testifylint // it ends this worker only
		a.frame("one", 1, true)
		a.bill(stream.Finished, 1)
	})
	before := stream.NewRequestID()
	resume := func(key [32]byte, id stream.RequestID) {
		require.NoError(t, w.conn.Publish(stream.ToNode("main", key, stream.ResumeVerb), stream.Resume{Request: id}.Bytes()))
	}
	resume(w.key, before)
	require.Equal(t, before, w.failure(stream.WorkerLost).Request)
	id := w.ask(100)
	w.next("took")
	resume([32]byte{2}, id) // is told that it is not its own, elsewhere
	resume(w.key, id)
	w.next("frame")
	w.next("final")
	w.idle()
}

func TestGateway_PromisesToCloseAChannelOnceNothingIsOpen(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	w := newTown(t, DefaultConfig(), func(a *work) {
		a.took()
		<-release
		a.frame("one", 1, true)
		a.bill(stream.Finished, 1)
	})
	paid, err := voucher.Voucher{GlobalID: -217, Cumulative: nano(7)}.Sign(w.workers[0].signs)
	require.NoError(t, err)
	ask := func() []byte {
		m, err := w.conn.Request(stream.ToNode("main", w.key, stream.CloseVerb), stream.Close{Session: 1, Paid: paid}.Bytes(), 20*time.Second)
		require.NoError(t, err)
		return m.Data
	}
	w.ask(100)
	w.next("took")
	f, err := stream.ParseFail(ask())
	require.NoError(t, err)
	require.Equal(t, stream.Busy, f.Code)
	require.Positive(t, f.Wait)
	close(release)
	w.next("frame")
	w.next("final")
	w.idle()
	p, err := stream.ParsePromise(ask())
	require.NoError(t, err)
	require.Equal(t, nano(7), p.Final)
}

func TestGateway_WhoSaysHelloTooOftenIsToldToWait(t *testing.T) {
	t.Parallel()
	w := newTown(t, DefaultConfig(), answers)
	hello := func(key [32]byte) []byte {
		m, err := w.conn.Request(stream.ToNode(stream.Home, key, stream.HelloVerb), stream.Hello{Session: 1}.Bytes(), 20*time.Second)
		require.NoError(t, err)
		return m.Data
	}
	for range helloBurst {
		_, err := stream.ParseState(hello(w.key))
		require.NoError(t, err)
	}
	for range 100 { // but for one a second
		if f, err := stream.ParseFail(hello(w.key)); err == nil {
			require.Equal(t, stream.Busy, f.Code)
			require.Positive(t, f.Wait)
			_, err = stream.ParseState(hello([32]byte{2}))
			require.NoError(t, err, "others are heard")
			return
		}
	}
	require.Fail(t, "it was never told to wait")
}

func TestGateway_SaysHowManyWorkersThereAreButNotAtWill(t *testing.T) {
	t.Parallel()
	w := newTown(t, DefaultConfig(), answers, answers)
	ask := func(key [32]byte, question []byte) []byte {
		m, err := w.conn.Request(stream.ToNode("main", key, stream.ModelsVerb), question, 20*time.Second)
		require.NoError(t, err)
		return m.Data
	}
	question := stream.ModelsOf{Models: []cocoon.ModelID{{1}, {2}}}.Bytes()
	for range listingBurst {
		require.Equal(t, stream.Models{Workers: []uint32{2, 2}}, mustParse(stream.ParseModels(ask(w.key, question))))
	}
	require.Equal(t, stream.BadRequest, mustParse(stream.ParseFail(ask(w.key, question[:len(question)-1]))).Code)
	require.Eventually(t, func() bool { // but for one a second
		f, err := stream.ParseFail(ask(w.key, question))
		return err == nil && f.Code == stream.Busy && f.Wait > 0
	}, 20*time.Second, time.Millisecond)
	_, err := stream.ParseModels(ask([32]byte{2}, question))
	require.NoError(t, err, "others are answered")
	w.gateway.draining.Store(true)
	require.Equal(t, stream.NoCapacity, mustParse(stream.ParseFail(ask(w.key, question))).Code, "it leases nothing any more")
}
