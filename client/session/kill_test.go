package session_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/money"
	"github.com/cocoon-network/cocoon/client/session"
	"github.com/cocoon-network/cocoon/client/trust"
	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/wrappers"
)

// What a process that is to be killed is told by its environment.
const (
	killURL    = "COCOON_TEST_SESSION_URL"
	killFolder = "COCOON_TEST_SESSION_FOLDER"

	killMachines = 2
	killAtOnce   = 4
)

func TestMain(m *testing.M) {
	if url := os.Getenv(killURL); url != "" {
		if err := victim(url, os.Getenv(killFolder)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// registered is the chain as it is told to a process that cannot ask the test.
type registered map[cocoon.Account]wrappers.Provider

func (r registered) Provider(_ context.Context, a cocoon.Account) (wrappers.Provider, time.Time, error) {
	return r[a], time.Now(), nil
}

// victim is a daemon that asks until it is killed, and says so each time.
func victim(url, dir string) error {
	chain := registered{}
	for n := range killMachines {
		p, err := stateOf(byte(n + 1))
		if err != nil {
			return err
		}
		a, err := p.Birth.Account()
		if err != nil {
			return err
		}
		chain[a] = p
	}
	l, err := openLedger(dir)
	if err != nil {
		return err
	}
	l.SetDeposit(cocoon.TON(5))
	cfg := impatient()
	cfg.URL, cfg.Silence, cfg.Patience = url, 300*time.Millisecond, 300*time.Millisecond
	s, err := session.Open(context.Background(), cfg, session.Deps{Ledger: l, Key: channelKey, Trust: trust.New(trust.Config{GlobalID: netID, Policy: trust.Policy{Registry: registry}, Chain: chain, Judge: judge{}, Now: time.Now}),
		Now: time.Now, Random: rand.Reader, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	c := &client{Session: s, ledger: l}
	var g errgroup.Group
	for range killAtOnce {
		g.Go(func() error {
			for {
				_, _, err := ask(context.Background(), c) // what fails is the dispatcher's doing
				fmt.Println("asked", err)
			}
		})
	}
	return g.Wait()
}

// A daemon that is killed at any moment, over and over, by a dispatcher that hides
// vouchers and withholds ends, pays for what it got and risks no more than P.
func TestSession_KilledAnywhereLosesNoMoreThanTheBound(t *testing.T) {
	t.Parallel()
	f := newFake(t, killMachines)
	random, moods := mathrand.New(mathrand.NewPCG(1, 2)), mathrand.New(mathrand.NewPCG(3, 4)) // the test's, and the dispatcher's
	f.mu.Lock()
	f.serve = func(f *fake, _ stream.Start, d *double) {
		switch moods.IntN(20) {
		case 0: // the end is withheld
			d.took()
			d.send(d.answerFrames()[:2]...)
			d.final(nil)
		case 1: // the receipt is
			d.took()
			d.send(d.answerFrames()...)
			f.receipts[d.route.Request] = d.receipt(nil)
		default:
			d.honest()
		}
	}
	f.mu.Unlock()
	hides := true // guarded by the fake
	f.mu.Lock()
	f.hello = func(h stream.Hello) stream.Message {
		if !hides || h.Session <= f.session || moods.IntN(3) > 0 {
			return nil
		}
		f.session = h.Session
		return stream.State{Session: h.Session, Node: node} // as if there had never been a voucher
	}
	f.mu.Unlock()
	dir := t.TempDir()
	for killed := 0; killed < 100; killed++ {
		c := exec.CommandContext(t.Context(), os.Args[0])
		c.Env = append(os.Environ(), killURL+"="+f.server.ClientURL(), killFolder+"="+dir)
		c.Stderr = os.Stderr
		out, err := c.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, c.Start())
		moments := bufio.NewScanner(out)
		for n := random.IntN(30); n > 0 && moments.Scan(); n-- {
		}
		require.NoError(t, c.Process.Kill())
		require.Error(t, c.Wait(), "it was killed")
	}
	f.mu.Lock()
	hides = false
	f.mu.Unlock()
	c, done := f.process(dir)
	defer done()
	require.Eventually(t, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.receipts) == 0
	}, 30*time.Second, 10*time.Millisecond, "every receipt is answered in the end")
	f.mu.Lock()
	require.Equal(t, f.used, c.ledger.Figures().Used, "both sides agree to the nanoTON")
	require.Positive(t, f.used.Cmp(cocoon.Nano{}))
	require.LessOrEqual(t, f.cover.Cmp(c.ledger.Figures().Ceiling), 0)
	f.maxed.bound = money.Most
	f.mu.Unlock()
	f.within(t)
}
