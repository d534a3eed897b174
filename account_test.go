package cocoon

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseAccount_ReadsEveryFormWalletsShow(t *testing.T) {
	t.Parallel()
	a := Account{1, 2, 3, 0xff}
	for _, form := range []string{a.String(), a.Friendly(true, false), a.Friendly(false, false), a.Friendly(true, true), a.Friendly(false, true)} {
		got, err := ParseAccount(form)
		require.NoError(t, err, form)
		require.Equal(t, a, got, form)
	}
	// a published address: the zero account, as explorers show it
	zero, err := ParseAccount("EQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAM9c")
	require.NoError(t, err)
	require.True(t, zero.IsZero())
	require.Equal(t, "EQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAM9c", zero.Friendly(true, false))
}

func TestParseAccount_RefusesWhatIsNotABasechainAccount(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "0:", "0:12", "-1:0000000000000000000000000000000000000000000000000000000000000000",
		"EQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAM9d", "EQAAAAAA", "Ef8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADAU"} {
		_, err := ParseAccount(s)
		require.Error(t, err, s)
		require.Equal(t, Invalid, KindOf(err), s)
	}
}

func TestAccount_JSONIsRaw(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(Account{7})
	require.NoError(t, err)
	require.JSONEq(t, `"0:0700000000000000000000000000000000000000000000000000000000000000"`, string(b))
	var back Account
	require.NoError(t, json.Unmarshal(b, &back))
	require.Equal(t, Account{7}, back)
	require.Error(t, json.Unmarshal([]byte(`5`), &back))
}

func FuzzParseAccount(f *testing.F) {
	f.Add(Account{}.String())
	f.Add(Account{9}.Friendly(true, true))
	f.Add("0:zz")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAccount(s)
		if err != nil {
			return
		}
		back, err := ParseAccount(a.Friendly(false, false))
		require.NoError(t, err)
		require.Equal(t, a, back)
	})
}
