package trace

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

var update = flag.Bool("update", false, "renew the golden files")

// stories are what can happen to a message; each is played on a stage of its own.
var stories = map[string]func(t testing.TB, s *stage) []*Transaction{
	"levels": func(t testing.TB, s *stage) []*Transaction {
		s.put(account(3), "1", acts, list(t, send(t, 64, to(t, account(4), "0", false, comment("for dave\x1b[31m")))))
		s.put(account(2), "1", acts, list(t, send(t, 64, to(t, account(3), "0", true, op(0x12345678)))))
		event := &tlb.ExternalMessageOut{Body: op(0xe0e0e0e0)}
		s.put(account(1), "10", acts, list(t, send(t, 1, to(t, account(2), "1.5", true, op(0x7f0fb44f))), send(t, 0, event), send(t, 3, to(t, account(4), "0.25", false, nil))))
		return s.run(external(account(1), op(0x1)))
	},
	"exit": func(t testing.TB, s *stage) []*Transaction {
		s.put(account(2), "1", throws, empty())
		s.put(account(1), "10", acts, list(t, send(t, 1, to(t, account(2), "1", true, op(0x7f0fb44f)))))
		sent := s.deliver(cellOf(t, external(account(1), empty())))
		return []*Transaction{sent, s.deliver(sent.Out[0].Cell)} // what bounced is still on its way
	},
	"action": func(t testing.TB, s *stage) []*Transaction {
		s.put(account(1), "1", acts, list(t, tlb.ActionReserveCurrency{Mode: 6, Currency: tlb.CurrencyCollection{Coins: tons(t, "0.5")}},
			send(t, 1, to(t, account(2), "500", true, nil))))
		return s.run(s.internal(account(3), account(1), "1", empty()))
	},
	"malformed": func(t testing.TB, s *stage) []*Transaction {
		s.put(account(1), "1", acts, cell.BeginCell().MustStoreUInt(0xbad, 32).MustStoreRef(empty()).EndCell())
		return s.run(s.internal(account(3), account(1), "1", empty()))
	},
	"deploy": func(t testing.TB, s *stage) []*Transaction {
		init := &tlb.StateInit{Code: code(t, acts), Data: list(t)}
		born := address.NewAddress(0, 0, cellOf(t, init).Hash())
		m := s.internal(account(1), born, "1", op(0x7f0fb44f))
		m.StateInit = init
		return s.run(m)
	},
	"destroy": func(t testing.TB, s *stage) []*Transaction {
		s.put(account(2), "1", acts, list(t, send(t, 160, to(t, account(1), "0", false, nil))))
		return s.run(s.internal(account(1), account(2), "1", empty()))
	},
	"no_state": func(t testing.TB, s *stage) []*Transaction {
		return s.run(s.internal(account(1), account(9), "1", op(0x7f0fb44f)))
	},
	"frozen": func(t testing.TB, s *stage) []*Transaction {
		s.store(account(2), tlb.AccountStorage{Status: tlb.AccountStatusFrozen, StateHash: bytes.Repeat([]byte{7}, 32), Balance: tons(t, "0.1")})
		return s.run(s.internal(account(1), account(2), "1", empty()))
	},
	"bad_state": func(t testing.TB, s *stage) []*Transaction {
		s.store(account(2), tlb.AccountStorage{Status: tlb.AccountStatusFrozen, StateHash: bytes.Repeat([]byte{7}, 32), Balance: tons(t, "0.1")})
		m := s.internal(account(1), account(2), "1", empty())
		m.StateInit = &tlb.StateInit{Code: code(t, acts), Data: list(t)}
		return s.run(m)
	},
	"unfreeze": func(t testing.TB, s *stage) []*Transaction {
		init := &tlb.StateInit{Code: code(t, acts), Data: list(t)}
		s.store(account(2), tlb.AccountStorage{Status: tlb.AccountStatusFrozen, StateHash: cellOf(t, init).Hash(), Balance: tons(t, "0.1")})
		m := s.internal(account(1), account(2), "1", empty())
		m.StateInit = init
		return s.run(m)
	},
	"bounce_in_full": func(t testing.TB, s *stage) []*Transaction {
		s.put(account(2), "1", throws, empty())
		m := s.internal(account(1), account(2), "1", op(0x7f0fb44f))
		m.IHRFee = tlb.FromNanoTONU(3) // extra_flags: bounce in the new format, with the whole body
		return s.run(m)
	},
	"no_gas": func(t testing.TB, s *stage) []*Transaction {
		s.put(account(2), "1", acts, list(t))
		return s.run(s.internal(account(1), account(2), "0", empty()))
	},
	"suspended": func(t testing.TB, s *stage) []*Transaction {
		tx := s.run(s.internal(account(1), account(9), "1", empty()))[0]
		d := tx.Description.(tlb.TransactionDescriptionOrdinary)
		d.ComputePhase.Phase = tlb.ComputePhaseSkipped{Reason: tlb.ComputeSkipReason{Type: tlb.ComputeSkipReasonSuspended}}
		tx.Description = d
		return []*Transaction{again(t, tx)}
	},
	"cannot_bounce": func(t testing.TB, s *stage) []*Transaction {
		return s.run(s.internal(account(1), account(9), "0.000001", empty()))
	},
	"all_actions": func(t testing.TB, s *stage) []*Transaction {
		s.put(account(1), "10", acts, list(t, send(t, 18, to(t, account(2), "900", true, nil)), tlb.ActionSetCode{NewCode: code(t, throws)},
			tlb.ActionChangeLibrary{Mode: 2, LibRef: tlb.LibRefRef{Library: code(t, acts)}}, tlb.ActionReserveCurrency{Mode: 0, Currency: tlb.CurrencyCollection{Coins: tons(t, "3")}},
			send(t, 128, to(t, account(4), "0", false, nil))))
		return s.run(s.internal(account(3), account(1), "1", empty()))
	},
}

// again is tx after it was changed.
func again(t testing.TB, tx *Transaction) *Transaction {
	t.Helper()
	c, err := tx.ToCell()
	require.NoError(t, err)
	changed, err := Parse(c)
	require.NoError(t, err)
	return changed
}

func TestText_ShowsEveryStoryAsWritten(t *testing.T) {
	t.Parallel()
	for title, play := range stories {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			txs := play(t, s)
			var out strings.Builder
			roots := Build(Limits{}, txs...)
			require.Len(t, roots, 1)
			require.NoError(t, ShowTree(roots[0], names).WriteText(&out, Style{}))
			for _, tx := range txs {
				v := Show(tx, names)
				run, err := Replay(s.block, s.before[string(tx.Hash)], tx, 3)
				if title != "suspended" { // which did not happen
					require.NoError(t, err)
					require.True(t, run.Exact)
					v.Log = run
				}
				out.WriteString("\n")
				require.NoError(t, v.WriteText(&out, Style{}))
			}
			golden(t, title+".txt", out.String())
		})
	}
}

func TestJSON_KeepsItsKeys(t *testing.T) {
	t.Parallel()
	for _, title := range []string{"levels", "exit", "deploy"} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			txs := stories[title](t, s)
			tree := ShowTree(Build(Limits{}, txs...)[0], names)
			run, err := Replay(s.block, s.before[string(txs[0].Hash)], txs[0], -1)
			require.NoError(t, err)
			tree.Transaction.Log = run
			raw, err := json.MarshalIndent(tree, "", "  ")
			require.NoError(t, err)
			golden(t, title+".json", string(raw)+"\n")
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "renew with: go test ./localnet/trace -update")
}
