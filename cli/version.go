package cli

import (
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/cocoon-network/cocoon/contracts"
)

type version struct {
	Version   string            `json:"version"`
	Go        string            `json:"go"`
	Contracts map[string]string `json:"contracts"` // code hash by name
}

func newVersion(e *env) *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Print the version and the hashes of the contracts", Args: exactly(),
		RunE: func(*cobra.Command, []string) error { return runVersion(e) }}
}

func runVersion(e *env) error {
	v := version{Version: "development", Contracts: map[string]string{}}
	if info, ok := debug.ReadBuildInfo(); ok {
		v.Go = info.GoVersion
		if info.Main.Version != "" {
			v.Version = info.Main.Version
		}
	}
	rows := [][2]string{{"cocoon", v.Version}, {"go", v.Go}}
	for _, a := range contracts.All() {
		v.Contracts[a.Name] = a.CodeHash
		rows = append(rows, [2]string{"contract " + a.Name, a.CodeHash})
	}
	return e.show("version", v, rows...)
}
