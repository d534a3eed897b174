package cli

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/worker"
)

func TestWorkerRun_OneEngineForAllModelsOrOneForEach(t *testing.T) {
	t.Parallel()
	serving := func(engines ...string) (worker.Config, error) {
		cfg := worker.DefaultConfig()
		err := (&workerRun{engines: engines, maxOwed: "1.5", rewards: []string{"0:" + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}}).serving(&cfg)
		return cfg, err
	}
	cfg, err := serving("http://127.0.0.1:8000/v1", "a/b=https://gpu:1/v1?x=y", "c=http://127.0.0.1:2/")
	require.NoError(t, err)
	require.Equal(t, "http://127.0.0.1:8000", cfg.Engine)
	require.Equal(t, map[cocoon.ModelID]string{cocoon.NewModelID("a/b"): "https://gpu:1/v1?x=y", cocoon.NewModelID("c"): "http://127.0.0.1:2"}, cfg.Engines)
	require.Len(t, cfg.Answers.Rewards, 1)
	require.Equal(t, cocoon.NanoOf(1_500_000_000), cfg.Answers.MaxOwed)
	for _, bad := range [][]string{{"http://a", "http://b"}, {"m=http://a", "m=http://b"}, {"=http://a"}, {"gpu:8000"}} {
		_, err = serving(bad...)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), bad)
	}
}
