"""What files from elsewhere hold, as arrays: pictures, masks, MATLAB's and pandas' tables."""
