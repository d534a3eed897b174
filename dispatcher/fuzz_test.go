package dispatcher

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/wrappers"
)

// seedRegistration is a good one.
func seedRegistration(f *testing.F) []byte {
	f.Helper()
	key, err := envelope.NewKeyPair()
	require.NoError(f, err)
	c, err := wrappers.Cell(wrappers.JobOffer{Terms: &wrappers.JobTerms{}, Money: &wrappers.JobMoney{},
		Work: &wrappers.JobWork{ResultKeyHash: key.Public().Hash(), Caps: &wrappers.Prices{}}})
	require.NoError(f, err)
	body, err := json.Marshal(registration{c.ToBOC(), key.Public().Bytes(), nil})
	require.NoError(f, err)
	var g registration
	require.NoError(f, json.Unmarshal(body, &g))
	_, err = g.decode()
	require.NoError(f, err)
	return body
}

func FuzzRegistration(f *testing.F) {
	f.Add(seedRegistration(f))
	f.Add([]byte(`{"offer":"te6cckEBAQEAAgAAAEysuc0=","result_key":""}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequest("POST", "/v1/jobs", strings.NewReader(string(body)))
		var g registration
		err := read(httptest.NewRecorder(), r, &g)
		if err == nil {
			var o wrappers.JobOffer
			if o, err = g.decode(); err == nil {
				_, err = o.Account()
				require.NoError(t, err)
				_ = o.Validate(0)
				return
			}
		}
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
	})
}

func FuzzGrantRequest(f *testing.F) {
	f.Add([]byte(`{"worker":"` + strings.Repeat("0", 64) + `","boot":"` + strings.Repeat("0", 32) + `","grant":{"job":"0:` + strings.Repeat("1", 64) + `","wrap":"AAAA"}}`))
	f.Add([]byte(`{"grant":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequest("POST", "/", strings.NewReader(string(body)))
		var g grantRequest
		err := read(httptest.NewRecorder(), r, &g)
		if err == nil {
			err = g.Grant.Validate()
		}
		if err != nil {
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
		}
	})
}
