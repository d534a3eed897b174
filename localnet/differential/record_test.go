//go:build cgo && emulator && linux && amd64

package differential

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/xssnick/tonutils-go/tvm/cell"
)

func record(r *rules, s *step, shows, known string, ours, theirs outcome) *regression {
	return &regression{Shows: shows, Known: known, Version: r.version, Config: r.config.ToBOC(), Libraries: boc(r.libraries),
		Address: s.at.StringRaw(), Account: s.account.account.ShardAccountCell().ToBOC(), StorageStat: boc(s.account.stat),
		Message: boc(s.message), Tock: s.tock, Now: s.now, LT: s.lt, Seed: hex.EncodeToString(s.seed[:]),
		Expect: resultOf(theirs), Ours: resultOf(ours)}
}

func boc(c *cell.Cell) []byte {
	if c == nil {
		return nil
	}
	return c.ToBOC()
}

func (r *regression) size() int { return len(r.Account) + len(r.StorageStat) + len(r.Message) }

// save writes the regression under a name, unless there is one.
func (r *regression) save(name string) error {
	path := filepath.Join(regressionDir, name+".json")
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(raw, '\n'), 0o644)
}
