// Package host says which host and which boot this is.
package host

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// MachineIDPath is where Linux distributions keep the machine id, see machine-id(5).
const MachineIDPath = "/etc/machine-id"

const bootIDPath = "/proc/sys/kernel/random/boot_id"

const remedy = `run "systemd-machine-id-setup", or set host_id in the configuration or --host-id`

// ID derives the host id, the token that stands for this host in subjects, from the machine id in the file at
// machineIDPath. The machine id itself is confidential (machine-id(5)), so the id is 12 hexadecimal digits of a hash of it.
func ID(machineIDPath string) (string, error) {
	text, err := os.ReadFile(machineIDPath)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("cannot tell which host this is: %w; %s", err, remedy)
	}
	if err != nil {
		return "", fmt.Errorf("cannot read the machine id: %w", err)
	}
	machineID := strings.TrimSpace(string(text))
	if raw, err := hex.DecodeString(machineID); err != nil || len(raw) != 16 || strings.Trim(machineID, "0") == "" {
		return "", fmt.Errorf("%s does not hold a machine id of 32 hexadecimal digits but %q; %s", machineIDPath, shorten(machineID), remedy)
	}
	sum := sha256.Sum256([]byte("vedette-host-id\n" + strings.ToLower(machineID)))
	return hex.EncodeToString(sum[:6]), nil
}

// BootID gives the kernel's random id of this boot, a lower-case UUID. It exists on Linux only.
func BootID() (string, error) { return bootID(bootIDPath) }

func bootID(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("cannot read the boot id: %w", err)
	}
	id := strings.TrimSpace(string(text))
	raw, err := hex.DecodeString(strings.ReplaceAll(id, "-", ""))
	if err != nil || len(raw) != 16 || len(id) != 36 {
		return "", fmt.Errorf("%s does not hold a UUID but %q", path, shorten(id))
	}
	return id, nil
}

// Name gives the kernel's host name, or "" when it has none.
func Name() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}

// shorten keeps a message readable when the file is not what it should be.
func shorten(text string) string {
	const most = 40
	if len(text) > most {
		return text[:most] + "..."
	}
	return text
}
