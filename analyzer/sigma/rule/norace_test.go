//go:build !race

package rule

// RaceEnabled is set under the race detector, which makes everything several times slower and larger.
const RaceEnabled = false
