package ledger

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/receipt"
)

// machine is a worker's session.
type machine struct {
	n, boot int
	number  uint32
}

func provider(n int) cocoon.Account { return cocoon.Account{0xf0, 31: byte(n)} }

func (m *machine) key() boot {
	return boot{worker{provider(m.n), public(keyOf('w', m.n))}, ID{1, byte(m.boot)}}
}

func (m *machine) certificate() receipt.SignedCertificate {
	return m.certifies(public(keyOf('b', m.n<<8|m.boot)), 1_900_000_000)
}

func (m *machine) certifies(session Key, notAfter uint32) receipt.SignedCertificate {
	k := m.key()
	c, err := receipt.Certificate{GlobalID: network, Provider: k.Provider, SessionKey: session, Boot: k.Boot, NotAfter: notAfter}.Sign(keyOf('w', m.n))
	if err != nil {
		panic(err)
	}
	return c
}

func (m *machine) attempt() Attempt {
	k := m.key()
	return Attempt{1, k.Provider, k.Key, k.Boot, price}
}

// states signs the next receipt, for id.
func (m *machine) states(id ID, u cocoon.Usage) receipt.SignedUsage {
	m.number++
	return m.signs(id, u, m.number)
}

func (m *machine) signs(id ID, u cocoon.Usage, number uint32, changes ...func(*receipt.Content)) receipt.SignedUsage {
	k := m.key()
	cost, err := price.Cost(u)
	if err != nil {
		panic(err)
	}
	r := receipt.Usage{Scope: receipt.Scope{GlobalID: network, Provider: k.Provider, Rewards: ours, Worker: k.Key, Boot: k.Boot, Number: number},
		Content: receipt.Content{Request: id, Attempt: 1, Route: [32]byte{7}, Usage: u, Price: price, Cost: cost}}
	for _, change := range changes {
		change(&r.Content)
	}
	s, err := r.Sign(keyOf('b', m.n<<8|m.boot))
	if err != nil {
		panic(err)
	}
	return s
}

func nano(t *testing.T, text string) cocoon.Nano {
	t.Helper()
	n, err := cocoon.ParseNano(text)
	require.NoError(t, err)
	return n
}
