package lane

// CPUCounters gives the layout of the counters to the test that compares it with an object's.
type CPUCounters = cpuCounters
