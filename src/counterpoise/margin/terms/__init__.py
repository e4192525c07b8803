"""What rule books share, written once: rounding, worst side of orders, tenor scaling."""
