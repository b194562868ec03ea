mod challenges;
mod documents;
mod references;
