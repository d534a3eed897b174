package cli

import (
	"io"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// flip is "flip FILE AT TO": TO is FILE with one bit of that byte changed.
func flip(ts *testscript.TestScript, _ bool, args []string) {
	at, err := strconv.Atoi(args[1])
	ts.Check(err)
	data := []byte(ts.ReadFile(args[0]))
	data[at] ^= 1
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), data, 0o600))
}

// download is "download URL FILE": it asks until the answer is 200, for two minutes at most.
func download(ts *testscript.TestScript, _ bool, args []string) {
	deadline := time.After(2 * time.Minute)
	for {
		status, data, err := get(args[0])
		ts.Check(err)
		if status == http.StatusOK {
			ts.Check(os.WriteFile(ts.MkAbs(args[1]), data, 0o600))
			return
		}
		select {
		case <-deadline:
			ts.Fatalf("still: %d %s", status, data)
		case <-time.After(time.Second / 5):
		}
	}
}

func get(url string) (int, []byte, error) {
	r, err := http.Get(url)
	if err != nil {
		return 0, nil, err
	}
	defer r.Body.Close()
	data, err := io.ReadAll(r.Body)
	return r.StatusCode, data, err
}

func TestVerify_TellsAForgedContract(t *testing.T) {
	t.Parallel()
	birth := wrappers.ProviderBirth{Registry: cocoon.Account{1}, Owner: cocoon.Account{2}}
	init, err := birth.Init()
	require.NoError(t, err)
	account, err := birth.Account()
	require.NoError(t, err)
	proven := chain.Account{ID: account, State: chain.Active, Code: init.Code, Data: init.Data}
	c := provenContractOf(chain.Network{}, proven)
	require.Equal(t, []any{"provider", true}, []any{c.Code, c.Genuine})
	require.Equal(t, "provider", c.rows()[0][1])

	proven.ID = cocoon.Account{9}
	c = provenContractOf(chain.Network{}, proven)
	require.Equal(t, []any{"provider", false}, []any{c.Code, c.Genuine})
	require.Contains(t, c.rows()[0][1], "not a provider")
}

func TestVerify_BelievesOnlyTheRegistryOfTheNetwork(t *testing.T) {
	t.Parallel()
	init, err := wrappers.RegistryBirth{Owner: cocoon.Account{2}, Delay: 60}.Init()
	require.NoError(t, err)
	proven := chain.Account{ID: cocoon.Account{7}, State: chain.Active, Code: init.Code, Data: init.Data}
	require.False(t, provenContractOf(chain.Network{Registry: cocoon.Account{8}}, proven).Genuine)
	require.False(t, provenContractOf(chain.Network{}, chain.Account{State: chain.Active, Code: init.Code, Data: init.Data}).Genuine)
	require.Equal(t, "registry", provenContractOf(chain.Network{Registry: proven.ID}, proven).Code)
}
