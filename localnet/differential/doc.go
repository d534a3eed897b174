// Package differential compares the executor of localnet with the official C++
// one, transaction by transaction. It holds only tests.
//
// A world (world_test.go) makes random traffic out of a seed: wallets, and
// puppets, which are contracts that run whatever program a message brings. Each
// step of it, a message to an account at some moment, is executed by tonutils-go
// as localnet executes it, and by libemulator; the hashes of the transaction and
// of the account must be equal. What differs otherwise than README.md lists
// fails the gate and is written to testdata/regressions, from where every run of
// the tests replays it, with or without the emulator.
//
//	go test ./localnet/differential                   # replays what was found, without C++
//	make test-emulator                                # the gate too
//	CGO_ENABLED=1 go test -tags emulator ./localnet/differential -run TestGate -v -seed 7 -transactions 20000
package differential
