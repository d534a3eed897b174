package attest_test

import (
	"crypto/ed25519"
	"errors"
	mathrand "math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/attest"
	"github.com/cocoon-network/cocoon/protocol/receipt"
)

// requireReason demands that err is want and no other reason, with a hint.
func requireReason(t *testing.T, err, want error) {
	t.Helper()
	require.ErrorIs(t, err, want)
	for name, other := range attest.Reasons {
		require.Equal(t, errors.Is(want, other), errors.Is(err, other), "%s for %v", name, err)
	}
	require.NotEmpty(t, cocoon.HintOf(err))
	require.NotEqual(t, cocoon.Internal, cocoon.KindOf(err))
}

func TestVerify_BelievesWhatHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, err := attest.Parse(w.evidence().Bytes())
	require.NoError(t, err)
	v, err := w.verify(e)
	require.NoError(t, err)

	require.Equal(t, attest.TierTDX, v.Tier)
	require.Contains(t, w.policy.Registry.Images, v.Image)
	require.Equal(t, attest.UpToDate, v.TCB)
	require.Equal(t, testPPID, v.PPID)
	require.Equal(t, w.worker.Key, v.Worker)
	require.Equal(t, w.worker.Vault, v.Vault)
	require.Equal(t, [32]byte(w.session.Signer().Public().(ed25519.PublicKey)), v.Session)
	require.Equal(t, w.session.Boot(), v.Boot)
	require.EqualValues(t, 78, v.Seqno)
	require.Equal(t, noon.Add(59*time.Minute), v.NotAfter.UTC(), "the proof is the first to end")
	require.Len(t, v.Keys, 2)

	for _, use := range []attest.Use{attest.UseLive, attest.UseBatch} {
		k, err := v.Key(use, noon)
		require.NoError(t, err)
		private, ok := w.session.Private(k.ID, noon)
		require.True(t, ok)
		require.Equal(t, private.Public().Bytes(), k.Key.Bytes())
	}
	_, err = v.Key(attest.UseLive, v.NotAfter.Add(-time.Second))
	require.NoError(t, err)
	_, err = v.Key(attest.UseLive, v.NotAfter)
	requireReason(t, err, attest.ErrExpired)
}

func TestVerify_BelievesVersion5(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onTD = func(d *td) { d.extra = make([]byte, 64) }
	v, err := w.verify(w.evidence())
	require.NoError(t, err)
	require.Equal(t, attest.TierTDX, v.Tier)
}

func TestVerify_RefusesForOneReasonEach(t *testing.T) {
	t.Parallel()
	at := func(offset int, b byte) func(*world) {
		return func(w *world) { w.onTD = func(d *td) { d.body[offset] = b } }
	}
	claims := func(change func(*attest.Claims)) func(*world) attest.Evidence {
		return func(w *world) attest.Evidence { return w.resigned(change) }
	}
	changed := func(change func(*attest.Evidence)) func(*world) attest.Evidence {
		return func(w *world) attest.Evidence { e := w.evidence(); change(&e); return e }
	}
	certified := func(change func(*receipt.Certificate)) func(*world) attest.Evidence {
		return func(w *world) attest.Evidence {
			e := w.evidence()
			change(&e.Certificate.Certificate)
			e.Certificate = must(e.Certificate.Sign(w.key))
			return e
		}
	}
	for name, c := range map[string]struct {
		set  func(*world)                 // before the evidence is made
		make func(*world) attest.Evidence // how it is made
		then func(*world)                 // afterwards
		want error
	}{
		// What was asked for, and what was proven.
		"a tier not asked for":          {then: func(w *world) { w.policy.Tiers = []attest.Tier{attest.TierGPU, attest.TierOpen} }, want: attest.ErrTier},
		"no tier asked for":             {then: func(w *world) { w.policy.Tiers = nil }, want: attest.ErrTier},
		"a proof of 61 minutes":         {then: func(w *world) { w.policy.Registry.Time = noon.Add(-61 * time.Minute) }, want: attest.ErrStaleProof},
		"a proof of an hour":            {then: func(w *world) { w.policy.Registry.Time = noon.Add(-time.Hour) }, want: attest.ErrStaleProof},
		"a vault's proof of 61 minutes": {then: func(w *world) { w.worker.Time = noon.Add(-61 * time.Minute) }, want: attest.ErrStaleProof},
		"a proof of a time to come":     {then: func(w *world) { w.worker.Time = noon.Add(3 * time.Minute) }, want: attest.ErrStaleProof},
		"a proof without a time":        {then: func(w *world) { w.policy.Registry.Time = time.Time{} }, want: attest.ErrStaleProof},
		"another registry":              {then: func(w *world) { w.policy.Registry.Account[1]++ }, want: attest.ErrRegistry},
		"a vault of another registry":   {then: func(w *world) { w.worker.Registry[1]++ }, want: attest.ErrRegistry},
		"no registry at all": {then: func(w *world) {
			w.policy.Account, w.policy.Registry.Account, w.worker.Registry = cocoon.Account{}, cocoon.Account{}, cocoon.Account{}
		}, want: attest.ErrRegistry},
		"a registry of another network": {then: func(w *world) { w.policy.Registry.GlobalID = testnet }, want: attest.ErrNetwork},
		"claims of another network":     {set: func(w *world) { w.start(testnet) }, want: attest.ErrNetwork},
		"another worker":                {then: func(w *world) { w.worker.Key[0]++ }, want: attest.ErrWorker},
		"another vault":                 {then: func(w *world) { w.worker.Vault[0]++ }, want: attest.ErrWorker},
		// Keys.
		"a key that W does not certify":    {make: changed(func(e *attest.Evidence) { e.Certificate.Signature[0]++ }), want: attest.ErrCertificate},
		"a certificate of another session": {make: certified(func(c *receipt.Certificate) { c.SessionKey[0]++ }), want: attest.ErrCertificate},
		"a certificate of another boot":    {make: certified(func(c *receipt.Certificate) { c.Boot[0]++ }), want: attest.ErrCertificate},
		"a certificate of another network": {make: certified(func(c *receipt.Certificate) { c.GlobalID = testnet }), want: attest.ErrCertificate},
		"a certificate of another vault":   {make: certified(func(c *receipt.Certificate) { c.Provider[0]++ }), want: attest.ErrCertificate},
		"a certificate for longer":         {make: changed(func(e *attest.Evidence) { e.Certificate.NotAfter++ }), want: attest.ErrCertificate},
		"claims that B did not sign":       {make: changed(func(e *attest.Evidence) { e.Signature[0]++ }), want: attest.ErrSignature},
		"claims changed after":             {make: changed(func(e *attest.Evidence) { e.Claims.Keys[0].Public[0]++ }), want: attest.ErrSignature},
		"no key":                           {make: claims(func(c *attest.Claims) { c.Keys = nil }), want: attest.ErrKeys},
		"no key for requests":              {make: claims(func(c *attest.Claims) { c.Keys = c.Keys[1:] }), want: attest.ErrKeys},
		"a key that is none":               {make: claims(func(c *attest.Claims) { c.Keys[0].Public = [1216]byte{1: 0xff, 2: 0xff} }), want: attest.ErrKeys},
		"a key for too long":               {make: claims(func(c *attest.Claims) { c.Keys[0].NotAfter++ }), want: attest.ErrKeys},
		"a key for no time":                {make: claims(func(c *attest.Claims) { c.Keys[0].NotBefore = c.Keys[0].NotAfter }), want: attest.ErrKeys},
		"a key whose time is over":         {make: claims(func(c *attest.Claims) { c.Keys[0].NotBefore -= 7200; c.Keys[0].NotAfter -= 7200 }), want: attest.ErrKeys},
		// Times and blocks.
		"claims for longer than a day":              {make: claims(func(c *attest.Claims) { c.NotAfter = c.Block.Time + 86401 }), want: attest.ErrLifetime},
		"claims for no time":                        {make: claims(func(c *attest.Claims) { c.NotAfter = c.NotBefore }), want: attest.ErrLifetime},
		"claims older than their block":             {make: claims(func(c *attest.Claims) { c.NotBefore = c.Block.Time - 121 }), want: attest.ErrLifetime},
		"claims of a time to come":                  {make: claims(func(c *attest.Claims) { c.NotBefore += 121 }), want: attest.ErrEarly},
		"claims whose time is over":                 {make: claims(func(c *attest.Claims) { c.NotBefore -= 60; c.NotAfter = uint32(noon.Unix()) }), want: attest.ErrExpired},
		"a certificate that ends before the claims": {make: certified(func(c *receipt.Certificate) { c.NotAfter = uint32(noon.Unix()) }), want: attest.ErrExpired},
		"a certificate that is over":                {set: func(w *world) { w.certify(noon.Add(time.Second)) }, then: func(w *world) { w.now = noon.Add(time.Second) }, want: attest.ErrExpired},
		"a block nobody knows":                      {then: func(w *world) { w.policy.Blocks = blocks{} }, want: attest.ErrBlock},
		"no blocks":                                 {then: func(w *world) { w.policy.Blocks = nil }, want: attest.ErrBlock},
		"a block of another hash":                   {make: claims(func(c *attest.Claims) { c.Block.RootHash[0]++ }), want: attest.ErrBlock},
		"a block of another time":                   {make: claims(func(c *attest.Claims) { c.Block.Time++ }), want: attest.ErrBlock},
		"a block that is too old":                   {then: func(w *world) { w.policy.MaxAge = time.Minute }, want: attest.ErrStaleBlock},
		// The quote.
		"bytes after the quote":           {set: func(w *world) { w.onStatement = func(s *attest.Statement) { s.Quote = append(s.Quote, 0) } }, want: attest.ErrQuote},
		"a quote cut short":               {set: func(w *world) { w.onStatement = func(s *attest.Statement) { s.Quote = s.Quote[:700] } }, want: attest.ErrQuote},
		"a quote of another version":      {set: func(w *world) { w.onStatement = func(s *attest.Statement) { s.Quote[0] = 3 } }, want: attest.ErrQuote},
		"a quote of another TEE":          {set: func(w *world) { w.onStatement = func(s *attest.Statement) { s.Quote[4] = 0 } }, want: attest.ErrQuote},
		"a measurement changed after":     {set: func(w *world) { w.onStatement = func(s *attest.Statement) { s.Quote[48+136]++ } }, want: attest.ErrQuoteChain},
		"a root that nobody trusts":       {then: func(w *world) { w.policy.Root = nil }, want: attest.ErrQuoteChain},
		"certificates whose time is over": {set: func(w *world) { w.later(6 * 365 * 24 * time.Hour) }, want: attest.ErrQuoteChain},
		"a debug TD":                      {set: at(120, 1), want: attest.ErrDebug},
		"a TD under another debugger":     {set: at(120, 2), want: attest.ErrDebug},
		"SEPT_VE_DISABLE off":             {set: at(123, 0), want: attest.ErrSeptVE},
		"a TD that can be migrated":       {set: at(123, 0x30), want: attest.ErrAttributes},
		"a reserved attribute":            {set: at(124, 1), want: attest.ErrAttributes},
		"XFAM without x87":                {set: at(128, 0xe6), want: attest.ErrAttributes},
		"XFAM with a reserved bit":        {set: at(131, 1), want: attest.ErrAttributes},
		"a module of another signer":      {set: at(64, 1), want: attest.ErrModule},
		"a module with attributes":        {set: at(112, 1), want: attest.ErrModule},
		"no module":                       {set: at(16, 0), want: attest.ErrModule},
		"a module of unknown version":     {set: at(1, 9), want: attest.ErrModule},
		"an owner's configuration":        {set: at(184, 1), want: attest.ErrConfiguration},
		"an owner":                        {set: at(232, 1), want: attest.ErrConfiguration},
		"an owner's other configuration":  {set: at(280, 1), want: attest.ErrConfiguration},
		"a service TD":                    {set: func(w *world) { w.onTD = func(d *td) { d.extra = make([]byte, 64); d.extra[16] = 1 } }, want: attest.ErrConfiguration},
		"report data of other claims":     {set: at(520, 0), want: attest.ErrReportData},
		"another MRTD":                    {set: at(136, 9), want: attest.ErrImage},
		"another RTMR0":                   {set: at(328, 9), want: attest.ErrImage},
		"another RTMR3":                   {set: at(519, 9), want: attest.ErrImage},
		"other attributes":                {set: at(123, 0x50), want: attest.ErrImage},
		"another XFAM":                    {set: at(128, 0xe3), want: attest.ErrImage},
		"an image nobody lists":           {then: func(w *world) { w.policy.Registry.Images = nil }, want: attest.ErrImage},
		"a suspended image":               {then: suspend, want: attest.ErrSuspended},
		"a platform that is refused":      {then: func(w *world) { w.policy.Platforms = [][16]byte{testPPID} }, want: attest.ErrPlatform},
		// Simulated and open.
		"simulated on mainnet":              {make: func(w *world) attest.Evidence { return w.evidenceBy(w.onMainnet(mainnet)) }, want: attest.ErrSimulated},
		"simulated on testnet":              {make: func(w *world) attest.Evidence { return w.evidenceBy(w.onMainnet(testnet)) }, want: attest.ErrSimulated},
		"simulated where nobody said local": {make: func(w *world) attest.Evidence { return w.evidenceBy(w.onLocalnet()) }, then: func(w *world) { w.policy.Local = attest.Local{} }, want: attest.ErrSimulated},
		"simulated on another network":      {make: func(w *world) attest.Evidence { return w.evidenceBy(w.onLocalnet()) }, then: func(w *world) { w.policy.Local.GlobalID = 5 }, want: attest.ErrSimulated},
		"simulated and not asked for":       {make: func(w *world) attest.Evidence { return w.evidenceBy(w.onLocalnet()) }, then: func(w *world) { w.policy.Tiers = []attest.Tier{attest.TierTDX} }, want: attest.ErrTier},
		"no simulator":                      {make: func(w *world) attest.Evidence { return w.evidenceBy(w.onLocalnet()) }, then: func(w *world) { w.policy.Local.Simulator = [32]byte{} }, want: attest.ErrSimulated},
		"another simulator":                 {make: func(w *world) attest.Evidence { return w.evidenceBy(w.onLocalnet()) }, then: func(w *world) { w.policy.Local.Simulator[0]++ }, want: attest.ErrReportData},
		"a simulated image nobody lists": {make: func(w *world) attest.Evidence {
			w.onLocalnet()
			return w.evidenceBy(attest.NewSimulator(simulatorKey, [32]byte{9}))
		}, want: attest.ErrImage},
		"open and not asked for":        {make: func(w *world) attest.Evidence { return w.evidenceBy(attest.NoTEE{}) }, want: attest.ErrTier},
		"a kind of TEE that is unknown": {make: func(w *world) attest.Evidence { e := w.evidence(); e.Statement.TEE = 7; return e }, want: attest.ErrMalformed},
		"a quote in the open tier":      {make: func(w *world) attest.Evidence { e := w.evidence(); e.Statement.TEE = 0; return e }, want: attest.ErrMalformed},
		"no collateral":                 {set: func(w *world) { w.onCollateral = func(c *attest.Collateral) { c.RootCRL = nil } }, want: attest.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if c.set != nil {
				c.set(w)
			}
			if c.make == nil {
				c.make = (*world).evidence
			}
			e := c.make(w)
			if c.then != nil {
				c.then(w)
			}
			_, err := w.verify(e)
			requireReason(t, err, c.want)
		})
	}
}

// suspend stops every image for a second.
func suspend(w *world) {
	for hash, image := range w.policy.Registry.Images {
		image.SuspendedUntil = w.now.Add(time.Second)
		w.policy.Registry.Images[hash] = image
	}
}

// later moves client, worker, proofs and blocks to another time.
func (w *world) later(by time.Duration) {
	w.now = w.now.Add(by)
	w.block.Time += uint32(by / time.Second)
	w.policy.Blocks = blocks{w.block.Seqno: w.block}
	w.policy.Registry.Time, w.worker.Time = w.now, w.now
	w.start(w.policy.GlobalID)
}

// onMainnet has a client of a real network say that it is local.
func (w *world) onMainnet(globalID int32) attest.Simulator {
	s := w.onLocalnet()
	w.policy.GlobalID, w.policy.Registry.GlobalID, w.policy.Local.GlobalID = globalID, globalID, globalID
	w.start(globalID)
	return s
}

func TestVerify_ASuspensionLapses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.evidence()
	suspend(w)
	_, err := w.verify(e)
	require.ErrorIs(t, err, attest.ErrSuspended)
	w.now = w.now.Add(time.Second)
	_, err = w.verify(e)
	require.NoError(t, err)
}

func TestVerify_TheOpenTierIsAskedForByName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.policy.Tiers = []attest.Tier{attest.TierOpen}
	v, err := w.verify(w.evidenceBy(attest.NoTEE{}))
	require.NoError(t, err)
	require.Equal(t, attest.TierOpen, v.Tier)
	require.Zero(t, v.Image)
	_, err = w.verify(w.evidence())
	requireReason(t, err, attest.ErrTier)
}

func TestVerify_TheSimulatorServesALocalNetwork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, err := attest.Parse(w.evidenceBy(w.onLocalnet()).Bytes())
	require.NoError(t, err)
	v, err := w.verify(e)
	require.NoError(t, err)
	require.Equal(t, attest.TierSimulated, v.Tier)
	require.Equal(t, [32]byte{0x51}, v.Image)
}

// TestVerify_NoFlippedBitIsBelieved flips one bit in one byte of eleven, from the first on.
func TestVerify_NoFlippedBitIsBelieved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.withGPUs(2)
	whole := w.evidence().Bytes()
	_, err := w.verify(must(attest.Parse(whole)))
	require.NoError(t, err)
	random := mathrand.New(mathrand.NewChaCha8([32]byte{2}))
	for i := 0; i < len(whole); i += 11 {
		changed := append([]byte{}, whole...)
		changed[i] ^= 1 << random.IntN(8)
		e, err := attest.Parse(changed)
		if err == nil {
			_, err = w.verify(e)
		}
		require.Error(t, err, "byte %d of %d", i, len(whole))
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
