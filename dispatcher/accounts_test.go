package dispatcher_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/cli/action"
	"github.com/cocoon-network/cocoon/dispatcher"
)

// ledgerKey signs receipts of the town's rewards contract, and close promises.
var ledgerKey = testKey(77)

// withLedger lets the dispatcher keep a ledger; withRewards comes before it.
func withLedger(w *town) {
	w.t.Helper()
	w.cfg.Ledger = dispatcher.DefaultLedgerConfig()
	w.cfg.Ledger.Dir, w.cfg.Ledger.Keys, w.cfg.Ledger.CloseDelay = w.t.TempDir(), []crypto.Signer{ledgerKey}, action.QuickRules().CloseDelay
}

func TestLedger_IsOpenedOnlyWhereTheConfigSaysSo(t *testing.T) {
	t.Parallel()
	w := newTown(t, withRewards(20), withLedger)
	w.stop()
	_, err := os.Stat(filepath.Join(w.cfg.Ledger.Dir, "ledger.db"))
	require.NoError(t, err)
	w.start()
	w.stop()
	rewards := w.cfg.Keeper.Rewards
	w.cfg.Keeper.Rewards = cocoon.Account{}
	_, err = dispatcher.New(t.Context(), w.cfg, w.deps)
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), "of which rewards contract?")
	w.cfg.Keeper.Rewards = cocoon.Account{5}
	_, err = dispatcher.New(t.Context(), w.cfg, w.deps)
	require.ErrorContains(t, err, "open the ledger", "it is another dispatcher's")
	w.cfg.Keeper.Rewards = rewards
	w.start()
}

func TestLedgerConfig_WantsEd25519KeysAndADelay(t *testing.T) {
	t.Parallel()
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	good := dispatcher.DefaultLedgerConfig()
	require.NoError(t, good.Validate(), "none is kept")
	good.Dir, good.Keys = "here", []crypto.Signer{ledgerKey}
	require.NoError(t, good.Validate())
	for name, change := range map[string]func(*dispatcher.LedgerConfig){
		"no key":      func(c *dispatcher.LedgerConfig) { c.Keys = nil },
		"another key": func(c *dispatcher.LedgerConfig) { c.Keys = []crypto.Signer{other} },
		"no delay":    func(c *dispatcher.LedgerConfig) { c.CloseDelay = 0 },
	} {
		bad := good
		change(&bad)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(bad.Validate()), name)
	}
}
