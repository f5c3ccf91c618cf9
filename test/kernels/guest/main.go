// Command guest is the init of the virtual machines in which the sensors are tested on other kernels: it makes the machine
// fit to run a program, starts the real bus and collector, runs the evasion suite against them and then every sensor's own
// tests without them, prints one RESULT line per check and a REPORT, and switches the machine off.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vedette-edr/vedette/test/kernels/report"
)

// Where things are in the machine.
const (
	binDir      = "/vedette"
	testsDir    = "/tests"
	objectsDir  = "/objects"
	programsDir = "/programs"
	// The suite looks for its document at ../../docs.
	evasion    = "/evasion.test"
	evasionDir = "/suite/evasion"
)

// onlyBudget, when set on the kernel's command line, leaves out everything but the verifier's counts.
const onlyBudget = "VEDETTE_ONLY_BUDGET"

// only, when set there, is what alone is run: a sensor or evasion, and after a slash a pattern of tests.
const only = "VEDETTE_ONLY"

func main() {
	r := &results{out: os.Stdout}
	var name unix.Utsname
	if err := unix.Uname(&name); err == nil {
		r.Release = unix.ByteSliceToString(name.Release[:])
	}
	r.stage("boot", uptime())
	if err := prepare(); err != nil {
		r.add("prepare", err.Error())
	} else {
		run(r)
	}
	text, err := json.Marshal(r.Report)
	if err != nil {
		r.add("report", err.Error())
	}
	fmt.Printf("REPORT %s\n", text)
	fmt.Printf("RESULT DONE %d\n", r.Checks)
	unix.Sync()
	// Returning from init would be a panic of the kernel.
	if err := unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF); err != nil {
		fmt.Println("cannot switch the machine off:", err)
	}
	select {}
}

func run(r *results) {
	began := time.Now()
	next := func(stage string) {
		r.stage(stage, time.Since(began))
		began = time.Now()
	}
	wanted, _, _ := strings.Cut(os.Getenv(only), "/")
	if wanted == "" || wanted == "evasion" {
		watch(r, next)
	}
	if os.Getenv(onlyBudget) != "" || wanted == "evasion" {
		return
	}
	tests, err := os.ReadDir(testsDir)
	if err != nil {
		r.add("tests", err.Error())
		return
	}
	for _, t := range tests {
		if wanted != "" && wanted != sensor(t.Name()) {
			continue
		}
		runTests(r, sensor(t.Name()), testsDir+"/"+t.Name(), "/tmp")
		next("tests of " + sensor(t.Name()))
	}
}

// uptime is the time since the kernel started.
func uptime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// results prints and counts what was checked.
type results struct {
	report.Report
	out *os.File
}

// add prints one result; an empty reason is a success.
func (r *results) add(name, reason string) {
	r.Checks++
	if reason == "" {
		fmt.Fprintf(r.out, "RESULT %s ok\n", name)
		return
	}
	r.Failed++
	fmt.Fprintf(r.out, "RESULT %s FAIL %s\n", name, oneLine(reason))
}

func (r *results) stage(name string, took time.Duration) {
	fmt.Fprintf(r.out, "STAGE %s %.1f s\n", name, took.Seconds())
	r.Stages = append(r.Stages, report.Stage{Name: name, Seconds: took.Seconds()})
}
