package funcc

import (
	"path"
	"strings"
)

// files is the little file system of the compiler: the Fift library it carries
// inside itself, read-only. FunC sources do not pass through here.
type files struct {
	content map[string][]byte
	open    map[uint32]*openFile
	next    uint32
}

type openFile struct {
	content []byte
	pos     uint64
}

// Error numbers and file kinds as the compiler's C library counts them.
const (
	errBadFile    = 8
	errInvalid    = 28
	errNoEntry    = 44
	kindRegular   = 0o100444
	kindDirectory = 0o040555
	statSize      = 96
	firstFile     = 3
	stdout        = 1
	stderr        = 2
)

func newFiles() files {
	return files{content: map[string][]byte{}, open: map[uint32]*openFile{}, next: firstFile}
}

// failed is an error number as a system call returns it.
func failed(number uint32) uint64 { return uint64(-number) }

// loadFiles reads the table of files that were linked into the compiler.
func (in *instance) loadFiles(args []uint64) uint64 {
	for row := uint32(args[0]); in.u32(row) != 0; row += 12 {
		name := path.Join("/", in.cstring(in.u32(row)))
		in.files.content[name] = append([]byte(nil), in.bytes(in.u32(row+8), in.u32(row+4))...)
	}
	return 0
}

func (in *instance) openAt(args []uint64) uint64 {
	content, found := in.files.content[path.Join("/", in.cstring(uint32(args[1])))]
	if !found {
		return failed(errNoEntry)
	}
	fd := in.files.next
	in.files.next++
	in.files.open[fd] = &openFile{content: content}
	return uint64(fd)
}

func (in *instance) closeFile(args []uint64) uint64 {
	delete(in.files.open, uint32(args[0]))
	return 0
}

func (in *instance) stat(args []uint64) uint64 {
	return in.statPath(in.cstring(uint32(args[0])), uint32(args[1]))
}

func (in *instance) statAt(args []uint64) uint64 {
	return in.statPath(in.cstring(uint32(args[1])), uint32(args[2]))
}

func (in *instance) statPath(name string, into uint32) uint64 {
	name = path.Join("/", name)
	if content, found := in.files.content[name]; found {
		return in.writeStat(into, kindRegular, len(content))
	}
	for other := range in.files.content {
		if strings.HasPrefix(other, strings.TrimSuffix(name, "/")+"/") {
			return in.writeStat(into, kindDirectory, 0)
		}
	}
	return failed(errNoEntry)
}

func (in *instance) statFile(args []uint64) uint64 {
	f := in.files.open[uint32(args[0])]
	if f == nil {
		return failed(errBadFile)
	}
	return in.writeStat(uint32(args[1]), kindRegular, len(f.content))
}

func (in *instance) writeStat(into, kind uint32, size int) uint64 {
	clear(in.bytes(into, statSize))
	in.setU32(into, 1) // device
	in.setU32(into+12, kind)
	in.setU32(into+16, 1) // links
	in.setU64(into+40, uint64(size))
	return 0
}

func (in *instance) workDir(args []uint64) uint64 {
	if args[1] < 2 {
		return failed(errInvalid)
	}
	copy(in.bytes(uint32(args[0]), 2), "/\x00")
	return 2
}

// readFile fills a list of buffers and moves the position.
func (in *instance) readFile(args []uint64) uint64 {
	f := in.files.open[uint32(args[0])]
	if f == nil {
		return errBadFile
	}
	n := in.scatter(f.content, f.pos, args)
	f.pos += n
	in.setU32(uint32(args[3]), uint32(n))
	return 0
}

// readFileAt is readFile at an offset, given as two halves, which leaves the
// position alone.
func (in *instance) readFileAt(args []uint64) uint64 {
	f := in.files.open[uint32(args[0])]
	if f == nil {
		return errBadFile
	}
	n := in.scatter(f.content, args[3]|args[4]<<32, args)
	in.setU32(uint32(args[5]), uint32(n))
	return 0
}

func (in *instance) scatter(content []byte, pos uint64, args []uint64) (total uint64) {
	for _, buf := range in.buffers(args) {
		rest := content[min(pos+total, uint64(len(content))):]
		total += uint64(copy(buf, rest))
	}
	return total
}

// buffers are the memory areas listed in arguments 1 and 2 of a read or write.
func (in *instance) buffers(args []uint64) [][]byte {
	list := make([][]byte, 0, 2)
	for i := range uint32(args[2]) {
		row := uint32(args[1]) + 8*i
		list = append(list, in.bytes(in.u32(row), in.u32(row+4)))
	}
	return list
}

func (in *instance) seek(args []uint64) uint64 {
	f := in.files.open[uint32(args[0])]
	if f == nil {
		return errBadFile
	}
	pos := int64(args[1] | args[2]<<32)
	switch args[3] {
	case 1:
		pos += int64(f.pos)
	case 2:
		pos += int64(len(f.content))
	}
	if pos < 0 {
		return errInvalid
	}
	f.pos = uint64(pos)
	in.setU64(uint32(args[4]), f.pos)
	return 0
}

// write keeps what is printed; there is nothing else to write to.
func (in *instance) write(args []uint64) uint64 {
	if fd := args[0]; fd != stdout && fd != stderr {
		return errBadFile
	}
	var n int
	for _, buf := range in.buffers(args) {
		in.printed.Write(buf)
		n += len(buf)
	}
	in.setU32(uint32(args[3]), uint32(n))
	return 0
}
