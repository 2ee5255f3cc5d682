"""A cloud that is not there: fakes of Keystone and of the services of pods, each on a loopback port of its own."""
