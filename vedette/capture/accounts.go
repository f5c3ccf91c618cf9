package capture

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"
)

// Limits of what is taken from the file of accounts.
const (
	maxAccounts     = 16384
	maxAccountName  = 64
	maxAccountsFile = 16 << 20
)

// accounts gives the names in a file of the passwd format by their numbers. What cannot be read has none: rules then see the
// number in place of the name.
func accounts(path string) map[uint32]string {
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer file.Close()
	names := map[uint32]string{}
	for lines := bufio.NewScanner(io.LimitReader(file, maxAccountsFile)); lines.Scan() && len(names) < maxAccounts; {
		fields := strings.Split(lines.Text(), ":")
		if len(fields) < 3 || fields[0] == "" || len(fields[0]) > maxAccountName {
			continue
		}
		id, err := strconv.ParseUint(fields[2], 10, 32)
		if err != nil {
			continue
		}
		// The first line that has the number counts, as for getpwuid.
		if _, taken := names[uint32(id)]; !taken {
			names[uint32(id)] = fields[0]
		}
	}
	return names
}
