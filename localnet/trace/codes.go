package trace

// exits are the exit codes that TON reserves for the compute phase, and those
// from 128 on that Tact does.
var exits = map[int32]string{
	0: "ok", 1: "ok",
	2: "stack underflow", 3: "stack overflow", 4: "integer overflow or division by zero", 5: "integer out of range",
	6: "invalid opcode", 7: "wrong type", 8: "cell overflow", 9: "cell underflow", 10: "dictionary error",
	11: "unknown error", 12: "fatal error", 13: "out of gas", -14: "out of gas", 14: "pruned cell met",
	128: "null reference", 129: "invalid serialization prefix", 130: "invalid incoming message", 131: "constraints error",
	132: "access denied", 133: "contract stopped", 134: "invalid argument", 135: "code of a contract not found",
	136: "invalid standard address", 138: "not a basechain address",
}

// results are the result codes of the action phase.
var results = map[int32]string{
	0: "ok", -1: "not finished",
	32: "the list of actions is malformed", 33: "more than 255 actions", 34: "an action is invalid or not supported",
	35: "wrong source address", 36: "wrong destination address", 37: "not enough " + coin, 38: "not enough of an extra currency",
	39: "the message does not fit into a cell", 40: "the message is too large, or what is left does not pay for it",
	41: "the library is missing", 42: "the library cannot be changed", 43: "the library is too large",
	44: "too many extra currencies", 45: "unknown flags in a message", 46: "libraries are for special contracts only",
	50: "the account's state is too large",
}

// skips are the reasons not to compute, in words.
var skips = map[string]string{
	"no_state": "the account has no code", "bad_state": "the state brought is not the account's",
	"no_gas": "the value buys no gas", "suspended": "the address is suspended",
}

// The flags of modes.
var (
	sendModes = []modeFlag{{1, "pay fees separately"}, {2, "ignore errors"}, {16, "bounce on failure"}, {32, "destroy if empty"},
		{64, "carry the value that came in"}, {128, "carry the whole balance"}}
	reserveModes = []modeFlag{{1, "all but"}, {2, "at most"}, {4, "plus the balance before"}, {8, "less"}, {16, "bounce on failure"}}
	libraryModes = []modeFlag{{1, "private"}, {2, "public"}, {16, "bounce on failure"}}
)

type modeFlag struct {
	bit  uint8
	name string
}

// flagsOf names the bits of mode; one that nobody knows is named by its number.
func flagsOf(mode uint8, known []modeFlag) (names []string) {
	for bit := uint8(1); bit != 0; bit <<= 1 {
		if mode&bit == 0 {
			continue
		}
		name := "unknown"
		for _, f := range known {
			if f.bit == bit {
				name = f.name
			}
		}
		names = append(names, name)
	}
	return names
}
