module linkgrant.dev/bench-driver

go 1.26
