SELECT * FROM marts.busiest
