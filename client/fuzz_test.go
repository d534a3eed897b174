package client

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/wrappers"
)

func FuzzParseView(f *testing.F) {
	f.Add([]byte(`{"job":"0:0000000000000000000000000000000000000000000000000000000000000001","status":"open","uploaded":true,"intent":null,"refused":{}}`))
	f.Add([]byte(`{"intent":{"public_key":""}}`))
	f.Add([]byte(`{"refused":{"0000000000000000000000000000000000000000000000000000000000000001":"busy"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := parseView(body)
		if err != nil {
			require.Equal(t, cocoon.Unreachable, cocoon.KindOf(err))
			return
		}
		if v.Intent != nil {
			require.Len(t, v.Intent.PublicKey, envelope.PublicKeySize)
		}
	})
}

func FuzzParseSecrets(f *testing.F) {
	key, err := envelope.NewKeyPair()
	require.NoError(f, err)
	s := secrets{OfferKey: make([]byte, 32), Token: "t"}
	s.ResultKey, err = key.Bytes()
	require.NoError(f, err)
	offer, err := wrappers.Cell(wrappers.JobOffer{Terms: &wrappers.JobTerms{}, Money: &wrappers.JobMoney{}, Work: &wrappers.JobWork{Caps: &wrappers.Prices{}}})
	require.NoError(f, err)
	s.Offer = offer.ToBOC()
	good, err := json.Marshal(&s)
	require.NoError(f, err)
	_, err = parseSecrets(good)
	require.NoError(f, err)
	f.Add(good)
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseSecrets(b)
		if err != nil {
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
			return
		}
		again, err := json.Marshal(s)
		require.NoError(t, err)
		same, err := parseSecrets(again)
		require.NoError(t, err)
		require.Equal(t, s.job, same.job)
		require.Equal(t, s.Granted, same.Granted)
	})
}

func FuzzProblem(f *testing.F) {
	f.Add(403, []byte(`{"detail":"no","hint":"yes"}`))
	f.Add(500, []byte(`<html>`))
	f.Fuzz(func(t *testing.T, status int, body []byte) { require.Error(t, problem(status, body)) })
}
