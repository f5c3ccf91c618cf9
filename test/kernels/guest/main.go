// Command guest is the init of the virtual machines in which the sensors are tested on other kernels: it makes the machine
// fit to run a program, loads the process sensor, runs the sensor's own tests, prints one RESULT line per check, and
// switches the machine off.
package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

func main() {
	r := &results{out: os.Stdout}
	if err := prepare(); err != nil {
		r.add("prepare", err.Error())
	} else {
		checkAttachments(r)
		runTests(r, "/process.test")
	}
	fmt.Printf("RESULT DONE %d\n", r.count)
	unix.Sync()
	// Returning from init would be a panic of the kernel.
	if err := unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF); err != nil {
		fmt.Println("cannot switch the machine off:", err)
	}
	select {}
}
