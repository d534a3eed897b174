package ledger

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/receipt"
)

// victim serves requests until it is killed, and says what it promised.
func victim(ctx context.Context) error {
	run, err := strconv.Atoi(os.Getenv(killRun))
	if err != nil {
		return err
	}
	l, err := Open(ctx, killConfig(os.Getenv(killDir)))
	if err != nil {
		return err
	}
	l.SetIndex(time.Now().Add(time.Hour))
	facts := Rewards{Number: uint32(run/killEpoch) + 1, Bond: cocoon.TON(500), Pot: cocoon.TON(100), Fees: killFees}
	if err = l.SetRewards(facts); err != nil {
		return err
	}
	loops, ctx := errgroup.WithContext(ctx)
	loops.Go(func() error { return l.Run(ctx) })
	v := &party{Ledger: l, run: run, seed: uint64(os.Getpid())}
	loops.Go(func() error { return v.repeat(ctx, os.Stdin) })
	for n := range killChannels {
		loops.Go(func() error { return v.client(ctx, n) })
	}
	loops.Go(func() error { return v.earn(ctx) })
	if run%killEpoch == killEpoch-1 {
		loops.Go(func() error { return v.epoch(ctx, facts) })
	}
	return loops.Wait()
}

type party struct {
	*Ledger
	run  int
	seed uint64
	out  sync.Mutex
}

func (v *party) say(format string, args ...any) error {
	v.out.Lock()
	defer v.out.Unlock()
	_, err := fmt.Fprintf(os.Stdout, format+"\n", args...)
	return err
}

// repeat commits the receipts that workers hold of earlier runs: number of the worker, its boot, the receipt.
func (v *party) repeat(ctx context.Context, in *os.File) error {
	for lines := bufio.NewScanner(in); lines.Scan(); {
		var n, boot int
		var raw string
		if _, err := fmt.Sscanf(lines.Text(), "%d %d %s", &n, &boot, &raw); err != nil {
			return err
		}
		b, err := hex.DecodeString(raw)
		if err != nil {
			return err
		}
		u, err := receipt.ParseUsage(b)
		if err == nil {
			err = v.commit(ctx, &machine{n: n, boot: boot}, u)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (v *party) commit(ctx context.Context, m *machine, u receipt.SignedUsage) error {
	if err := v.say("signed %d %d %x", m.n, m.boot, u.Bytes()); err != nil {
		return err
	}
	t, err := v.Commit(ctx, u, m.certificate(), 4096)
	if err != nil {
		return err
	}
	if _, err = t.Wait(ctx); err != nil {
		return err
	}
	return v.say("acked %x", u.Bytes())
}

// client is channel n, and its worker: what it forgot it learns by hello.
func (v *party) client(ctx context.Context, n int) error {
	random := rand.New(rand.NewPCG(v.seed, uint64(n)))
	if err := v.SetChannel(facts(n, killDeposit)); err != nil {
		return err
	}
	s, err := v.Hello(account(n), uint64(v.run)+1, promises(n, cocoon.TON(1)), 0)
	if err != nil {
		return err
	}
	agreed := s.Agreed
	for _, r := range s.Receipts {
		agreed = agreed.Plus(r.Cost)
		if err = withPay(v, uint64(v.run)+1, v.OK(ctx, uint64(v.run)+1, r.ID, r.Cost), promises(n, agreed)); err != nil {
			return err
		}
	}
	m := &machine{n: n, boot: v.run}
	for i := 1; ; i++ {
		id := ID{byte(v.run), byte(v.run >> 8), byte(n), byte(i), byte(i >> 8), 1}
		r := Request{ID: id, Channel: account(n), Route: Key{7}, Size: size, Price: price}
		if err = v.Admit(uint64(v.run)+1, r, promises(n, agreed.Plus(cocoon.TON(1)))); err != nil {
			return err
		}
		if err = v.Assign(id, m.attempt()); err != nil {
			return err
		}
		u := m.states(id, cocoon.Usage{Prompt: 1 + random.Uint64N(1000), Completion: random.Uint64N(512)})
		if err = v.commit(ctx, m, u); err != nil {
			return err
		}
		if random.IntN(4) == 0 { // a worker that did not hear of the acknowledgement
			if err = v.commit(ctx, m, u); err != nil {
				return err
			}
		}
		if random.IntN(3) == 0 {
			continue // it answers when it is asked
		}
		if random.IntN(5) == 0 {
			own := cocoon.Usage{Prompt: u.Content.Usage.Prompt}
			var fair cocoon.Nano
			if fair, err = price.Cost(own); err == nil {
				agreed = agreed.Plus(fair)
				err = withPay(v, uint64(v.run)+1, v.Dispute(ctx, uint64(v.run)+1, id, own, cocoon.MaxNano), promises(n, agreed))
			}
		} else {
			agreed = agreed.Plus(u.Content.Cost)
			err = withPay(v, uint64(v.run)+1, v.OK(ctx, uint64(v.run)+1, id, u.Content.Cost), promises(n, agreed))
		}
		if err != nil {
			return err
		}
	}
}

// epoch closes a number and opens its epoch.
func (v *party) epoch(ctx context.Context, facts Rewards) error {
	leaves, err := v.Leaves(ctx, facts.Number)
	if err != nil {
		return err
	}
	for _, leaf := range leaves {
		if err = v.say("leaf %d %s %s", facts.Number, leaf.Provider, leaf.Amount.Text()); err != nil {
			return err
		}
	}
	facts.Pending = true
	return v.SetRewards(facts)
}

// earn signs what providers earned.
func (v *party) earn(ctx context.Context) error {
	for {
		for n := range killWorkers {
			all, err := v.Earned(ctx, provider(n))
			if err != nil {
				return err
			}
			for _, e := range all {
				if err = v.say("earned %d %x", n, e.Bytes()); err != nil {
					return err
				}
			}
		}
	}
}
