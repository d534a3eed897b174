package funcc

import "fmt"

// fault is an access outside the compiler's memory. Host functions panic with
// it; the call into the compiler that led there returns it.
func fault(ptr uint32) error {
	return fmt.Errorf("the compiler points outside its memory, at %#x", ptr)
}

func (in *instance) u32(ptr uint32) uint32 {
	v, ok := in.mem.ReadUint32Le(ptr)
	if !ok {
		panic(fault(ptr))
	}
	return v
}

func (in *instance) setU32(ptr, v uint32) {
	if !in.mem.WriteUint32Le(ptr, v) {
		panic(fault(ptr))
	}
}

func (in *instance) setU64(ptr uint32, v uint64) {
	if !in.mem.WriteUint64Le(ptr, v) {
		panic(fault(ptr))
	}
}

func (in *instance) flag(ptr uint32) bool {
	v, ok := in.mem.ReadByte(ptr)
	if !ok {
		panic(fault(ptr))
	}
	return v != 0
}

func (in *instance) setFlag(ptr uint32, on bool) {
	if !in.mem.WriteByte(ptr, byte(truth(on))) {
		panic(fault(ptr))
	}
}

// bytes is a view that dies with the next growth of the memory.
func (in *instance) bytes(ptr, size uint32) []byte {
	b, ok := in.mem.Read(ptr, size)
	if !ok {
		panic(fault(ptr))
	}
	return b
}

// cstring copies a zero-terminated string; one without an end stops at the
// end of memory.
func (in *instance) cstring(ptr uint32) string {
	b := in.bytes(ptr, in.mem.Size()-min(ptr, in.mem.Size()))
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}

// give copies s into memory of the compiler, zero-terminated. The compiler, or
// the end of the instance, frees it.
func (in *instance) give(s string) (uint32, error) {
	ptr, err := in.try("_malloc", uint64(len(s)+1))
	if err != nil {
		return 0, err
	}
	if ptr == 0 || !in.mem.WriteString(uint32(ptr), s) || !in.mem.WriteByte(uint32(ptr)+uint32(len(s)), 0) {
		return 0, fmt.Errorf("no memory for %d bytes in the FunC compiler", len(s))
	}
	return uint32(ptr), nil
}

func truth(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
