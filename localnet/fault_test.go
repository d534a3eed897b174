package localnet

import (
	"context"
	"math"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tonkeeper/tongo/liteclient"
	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/ton"
)

func TestFaults_LatencyPassesBeforeAnAnswer(t *testing.T) {
	t.Parallel()
	c := New(t, byHand)
	server := serve(t, c, Faults{Latency: time.Hour, Jitter: time.Hour})
	asked, over := make(chan time.Duration, 1), make(chan time.Time)
	server.after = func(d time.Duration) <-chan time.Time {
		asked <- d
		return over
	}
	api := connectTo(t, server.Config(), ton.ProofCheckPolicyFast)
	answered := make(chan error, 1)
	ask := func() time.Duration {
		go func() {
			_, err := api.GetTime(t.Context())
			answered <- err
		}()
		return <-asked
	}
	first := ask()
	require.Empty(t, answered)
	over <- time.Time{}
	require.NoError(t, <-answered)
	second := ask()
	over <- time.Time{}
	require.NoError(t, <-answered)
	require.NotEqual(t, first, second)
	for _, d := range []time.Duration{first, second} {
		require.GreaterOrEqual(t, d, time.Hour)
		require.Less(t, d, 2*time.Hour)
	}
	// the same seed begins again with the same
	require.NoError(t, server.SetFaults(Faults{Latency: time.Hour, Jitter: time.Hour}))
	require.Equal(t, first, ask())
	over <- time.Time{}
	require.NoError(t, <-answered)
}

func TestFaults_ErrorsAreWhatClientsSee(t *testing.T) {
	t.Parallel()
	c := New(lasting{t}, byHand)
	server := serve(t, c, Faults{ErrorRate: 1, Only: []string{"getTime"}})
	api := connectTo(t, server.Config(), ton.ProofCheckPolicySecure)
	tongo := connectTongoTo(t, server.Config())
	for _, want := range []ton.LSError{{Code: overloaded, Text: "timeout"}, {Code: 228, Text: "too many queries"}} {
		_, err := api.GetTime(t.Context())
		require.Equal(t, error(want), err)
		_, err = tongo.GetTime(t.Context())
		var theirs liteclient.LiteServerErrorC
		require.ErrorAs(t, err, &theirs)
		require.EqualValues(t, want.Code, int32(theirs.Code))
		require.Equal(t, want.Text, theirs.Message)
		require.NoError(t, server.SetFaults(Faults{ErrorRate: 1, Error: ton.LSError{Code: 228, Text: "too many queries"}, Only: []string{"getTime"}}))
	}
	_, err := api.GetMasterchainInfo(t.Context())
	require.NoError(t, err, "only getTime is refused")
	require.Equal(t, 4, server.Stats().Refused)
}

func TestFaults_RatesAreDecidedByTheSeed(t *testing.T) {
	t.Parallel()
	c := New(t, byHand)
	server := serve(t, c, Faults{})
	api := connectTo(t, server.Config(), ton.ProofCheckPolicyFast)
	sequence := func(f Faults) (fails []bool) {
		before := server.Stats().Refused
		require.NoError(t, server.SetFaults(f))
		n := 0
		for range 100 {
			_, err := api.GetTime(t.Context())
			fails = append(fails, err != nil)
			if err != nil {
				n++
			}
		}
		require.Equal(t, n, server.Stats().Refused-before)
		return fails
	}
	some := sequence(Faults{ErrorRate: 0.3})
	require.Contains(t, some, true)
	require.Contains(t, some, false)
	require.Equal(t, some, sequence(Faults{ErrorRate: 0.3}))
	require.NotEqual(t, some, sequence(Faults{ErrorRate: 0.3, Seed: 1}))
	require.Equal(t, some, sequence(Faults{ErrorRate: 0.3, Lie: LieHead, LieRate: 0.5}), "another fault moves nothing")
	require.NotContains(t, sequence(Faults{}), true)
}

func TestFaults_DroppedConnectionsAreMadeAnew(t *testing.T) {
	t.Parallel()
	c := New(t, byHand)
	server := serve(t, c, Faults{DropRate: 1})
	api := connectTo(t, server.Config(), ton.ProofCheckPolicySecure)
	impatient, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := api.GetMasterchainInfo(impatient)
	require.Error(t, err)
	require.Eventually(t, func() bool { return server.Stats().Dropped == 1 }, eventually, tick)
	require.NoError(t, server.SetFaults(Faults{}))
	require.Eventually(t, func() bool {
		_, err = api.GetMasterchainInfo(t.Context())
		return err == nil
	}, eventually, tick)
	require.Equal(t, 1, server.Stats().Dropped)
}

// impatiently asks for a while only.
func impatiently(t *testing.T, api *ton.APIClient) error {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := api.GetTime(ctx)
	return err
}

func TestFaults_SilenceLastsAsLongAsTheClientWaits(t *testing.T) {
	t.Parallel()
	c := New(t, byHand)
	server := serve(t, c, Faults{SilenceRate: 1})
	api := connectTo(t, server.Config(), ton.ProofCheckPolicyFast)
	require.ErrorIs(t, impatiently(t, api), context.DeadlineExceeded)
	require.Eventually(t, func() bool { return server.Stats().Silent == 1 }, eventually, tick)
	require.NoError(t, server.SetFaults(Faults{}))
	_, err := api.GetTime(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, server.Stats().Total())
}

func TestFaults_AHalfClosedConnectionReadsAndWritesNothing(t *testing.T) {
	t.Parallel()
	c := New(t, byHand)
	server := serve(t, c, Faults{Latency: time.Nanosecond})
	over := make(chan time.Time)
	server.after = func(time.Duration) <-chan time.Time { return over }
	api := connectTo(t, server.Config(), ton.ProofCheckPolicyFast)
	read := make(chan bool, 3)
	server.Hear(func(tl.Serializable) { read <- true })
	under := make(chan error, 1)
	go func() {
		_, err := api.GetTime(t.Context())
		under <- err
	}()
	<-read
	require.NoError(t, server.SetFaults(Faults{HalfClose: true}))
	over <- time.Time{} // the answer under way is ready, and not written
	require.ErrorIs(t, impatiently(t, api), context.DeadlineExceeded)
	require.Empty(t, read, "the second question is not read")
	require.Empty(t, under)
	require.NoError(t, server.SetFaults(Faults{}))
	require.NoError(t, <-under)
	<-read
	_, err := api.GetTime(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, server.Stats().Queries["getTime"])
}

func TestServer_CountsWhatItIsAsked(t *testing.T) {
	t.Parallel()
	c, s := stage(t)
	server := serve(t, c, Faults{})
	heard := make(chan tl.Serializable, 10)
	server.Hear(func(q tl.Serializable) { heard <- q })
	api := connectTo(t, server.Config(), ton.ProofCheckPolicyUnsafe)
	_, err := askHead(t.Context(), api, s)
	require.NoError(t, err)
	_, err = askBlock(t.Context(), api, s)
	require.NoError(t, err)
	_, err = api.WaitForBlock(1).GetAccount(t.Context(), s.head, s.WalletAddress())
	require.NoError(t, err)
	require.Equal(t, map[string]int{"getMasterchainInfo": 1, "getBlock": 1, "getAccountState": 1}, server.Stats().Queries)
	require.IsType(t, ton.GetMasterchainInf{}, <-heard)
	require.IsType(t, ton.GetBlockData{}, <-heard)
	require.IsType(t, []tl.Serializable{}, <-heard, "a wait, and what follows it")
	require.Equal(t, 1, c.Server().Stats().Total(), "each server counts its own: stage asked once")
	require.Equal(t, "unknown", kindOf(nil))
	require.Equal(t, "unknown", kindOf([]tl.Serializable{}))
}

func TestServer_EachHasAPortAndAKeyOfItsOwn(t *testing.T) {
	t.Parallel()
	seeded := func(c *Config) { c.Seed = []byte("many") }
	one, again := New(t, byHand, seeded), New(t, byHand, seeded)
	a, b := serve(t, one, Faults{}), serve(t, one, Faults{ErrorRate: 1})
	require.NotEqual(t, a.Addr(), b.Addr())
	require.NotEqual(t, a.key, b.key)
	require.Equal(t, a.key, serve(t, again, Faults{}).key, "the seed decides")
	all := one.ConfigOf(one.Server(), a, b)
	require.NotEqual(t, one.GlobalConfig(), a.Config())
	require.Equal(t, one.GlobalConfig(), one.ConfigOf(one.Server()))
	// a client of all three finds one that answers
	api := connectTo(t, all, ton.ProofCheckPolicySecure).WithRetryTimeout(3, time.Minute)
	good := func() bool {
		_, err := api.GetTime(t.Context())
		return err == nil
	}
	require.Eventually(t, good, eventually, tick, "the client may meet the bad one first")
	for range 5 {
		require.True(t, good())
	}
}

// It runs alone: a server of another test may listen where these did.
func TestServer_ClosesAloneOrWithTheChain(t *testing.T) {
	c, err := Start(t.Context(), Config{BlockTime: time.Hour})
	require.NoError(t, err)
	alone, together := serve(t, c, Faults{}), serve(t, c, Faults{HalfClose: true})
	require.NoError(t, alone.Close())
	require.NoError(t, alone.Close(), "twice does no harm")
	_, err = net.Dial("tcp", alone.Addr())
	require.Error(t, err)
	held := connectTo(t, together.Config(), ton.ProofCheckPolicyFast)
	require.Error(t, impatiently(t, held))
	require.NoError(t, c.Close())
	_, err = net.Dial("tcp", together.Addr())
	require.Error(t, err)
	_, err = c.Serve(Faults{})
	require.ErrorIs(t, err, errClosed)
}

func TestServe_RefusesNonsense(t *testing.T) {
	t.Parallel()
	c := New(t, byHand)
	for name, f := range map[string]Faults{
		"rate above one":    {ErrorRate: 1.1},
		"rate below zero":   {DropRate: -0.1},
		"rate of no number": {SilenceRate: math.NaN()},
		"negative latency":  {Latency: -1},
		"negative jitter":   {Jitter: -1},
		"unknown lie":       {Lie: "white"},
	} {
		_, err := c.Serve(f)
		require.ErrorContains(t, err, "serve: ", name)
		require.ErrorContains(t, c.Server().SetFaults(f), "set faults: ", name)
	}
	require.NoError(t, c.Server().SetFaults(Faults{}))
}

// What a client does on its own, as connecting anew, takes it a while.
const eventually, tick = 30 * time.Second, 10 * time.Millisecond

func TestFaults_OneQueryMeetsOneEnd(t *testing.T) {
	t.Parallel()
	f := Faults{ErrorRate: 1, DropRate: 1, SilenceRate: 1}
	require.Equal(t, fate{drop: true}, f.fate(1, 2))
	f.DropRate = 0
	require.Equal(t, fate{silence: true}, f.fate(1, 2))
	f.SilenceRate = 0
	require.Equal(t, fate{refuse: true}, f.fate(1, 2))
}
